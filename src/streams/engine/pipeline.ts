import { merge, Subject, Subscription, tap, type Observable, type OperatorFunction } from 'rxjs'
import type { GraphNode, SubTopology } from '../dsl/graph.ts'
import type { StepContext } from '../dsl/step.ts'

type AnyOperator = OperatorFunction<unknown, unknown>

/** One subscription of a sub-topology's operators: pushed into for one turn, then completed and drained. */
export interface Pipeline {
  /** The subject of each source topic. */
  readonly sources: ReadonlyMap<string, Subject<unknown>>
  /** Completes the sources; resolves when every flow has drained, asynchronous steps included. Rejects with the first error. */
  drain(): Promise<void>
  /** Stops everything at once, what is under way included: nothing comes out of it any more. */
  close(): void
  /** The first error of any branch: one branch's failure is the turn's failure. */
  readonly failure: Failure | undefined
}

export interface Failure {
  readonly error: unknown
  /** The id of the node that failed; known where the pipeline is traced. */
  readonly nodeId: number | undefined
}

const operatorOf = (node: GraphNode, context: StepContext): AnyOperator | undefined => {
  switch (node.kind) {
    case 'source':
    case 'merge':
      return undefined
    case 'operator':
      return node.operator as AnyOperator
    case 'processor':
    case 'sink':
    case 'effect':
      return node.step.bind(context, node.kind === 'sink' ? node.topic : node.name) as AnyOperator
  }
}

/**
 * Binds the steps of a sub-topology to a task, once; each call of the result subscribes a pipeline for one turn. A traced one
 * knows which node failed, at the price of an operator more for each node.
 */
export const preparePipeline = (
  subTopology: SubTopology,
  context: StepContext,
): ((isTraced?: boolean) => Pipeline) => {
  const { nodes } = subTopology
  const operators = new Map(nodes.map(node => [node.id, operatorOf(node, context)]))
  const childCount = new Map<number, number>()
  for (const parent of nodes.flatMap(node => node.parents)) {
    childCount.set(parent, (childCount.get(parent) ?? 0) + 1)
  }

  return (isTraced = false) => {
    const sources = new Map<string, Subject<unknown>>()
    const outputs = new Map<number, Observable<unknown>>()
    const subscriptions: (() => void)[] = []
    let openEnds = 0
    let failure: Failure | undefined
    let failedNode: number | undefined
    const running = new Subscription()
    let settle: (() => void) | undefined

    const end = (): void => {
      openEnds--
      if (openEnds === 0) settle?.()
    }
    const fail = (error: unknown): void => {
      failure ??= { error, nodeId: failedNode }
      end()
    }

    for (const node of nodes) {
      const inputs = node.parents.map(parent => outputs.get(parent) as Observable<unknown>)
      const operator = operators.get(node.id)
      const [input] = inputs
      if (node.kind === 'source') {
        const subject = new Subject<unknown>()
        for (const topic of node.topics) sources.set(topic, subject)
        outputs.set(node.id, subject)
      } else if (input !== undefined) {
        const untraced$ = operator === undefined ? merge(...inputs) : input.pipe(operator)
        // What is below a failing node sees its error, too; what is above does not.
        const output$ = isTraced ? untraced$.pipe(tap({ error: () => (failedNode ??= node.id) })) : untraced$
        const children = childCount.get(node.id) ?? 0
        if (children === 1) {
          outputs.set(node.id, output$)
        } else if (children === 0) {
          openEnds++
          subscriptions.push(() => running.add(output$.subscribe({ error: fail, complete: end })))
        } else {
          const fanOut = new Subject<unknown>()
          outputs.set(node.id, fanOut)
          subscriptions.push(() => running.add(output$.subscribe(fanOut)))
        }
      }
    }
    // What is below listens before what is above may speak.
    for (const subscribe of subscriptions.toReversed()) subscribe()

    return {
      sources,
      get failure() {
        return failure
      },
      close: () => running.unsubscribe(),
      drain: async () => {
        for (const source of new Set(sources.values())) source.complete()
        if (openEnds > 0) {
          await new Promise<void>(resolve => {
            settle = resolve
          })
        }
        if (failure !== undefined) throw failure.error
      },
    }
  }
}
