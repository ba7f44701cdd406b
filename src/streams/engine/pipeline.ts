import { merge, Subject, type Observable, type OperatorFunction } from 'rxjs'
import type { GraphNode, SubTopology } from '../dsl/graph.ts'
import type { StepContext } from '../dsl/step.ts'

type AnyOperator = OperatorFunction<unknown, unknown>

/** One subscription of a sub-topology's operators: pushed into for one turn, then completed and drained. */
export interface Pipeline {
  /** The subject of each source topic. */
  readonly sources: ReadonlyMap<string, Subject<unknown>>
  /** Completes the sources; resolves when every flow has drained, asynchronous steps included. Rejects with the first error. */
  drain(): Promise<void>
  /** The first error of any branch: one branch's failure is the turn's failure. */
  readonly failure: { readonly error: unknown } | undefined
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

/** Binds the steps of a sub-topology to a task, once; each call of the result subscribes a pipeline for one turn. */
export const preparePipeline = (subTopology: SubTopology, context: StepContext): (() => Pipeline) => {
  const { nodes } = subTopology
  const operators = new Map(nodes.map(node => [node.id, operatorOf(node, context)]))
  const childCount = new Map<number, number>()
  for (const parent of nodes.flatMap(node => node.parents)) {
    childCount.set(parent, (childCount.get(parent) ?? 0) + 1)
  }

  return () => {
    const sources = new Map<string, Subject<unknown>>()
    const outputs = new Map<number, Observable<unknown>>()
    const subscriptions: (() => void)[] = []
    let openEnds = 0
    let failure: { readonly error: unknown } | undefined
    let settle: (() => void) | undefined

    const end = (): void => {
      openEnds--
      if (openEnds === 0) settle?.()
    }
    const fail = (error: unknown): void => {
      failure ??= { error }
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
        const output$ = operator === undefined ? merge(...inputs) : input.pipe(operator)
        const children = childCount.get(node.id) ?? 0
        if (children === 1) {
          outputs.set(node.id, output$)
        } else if (children === 0) {
          openEnds++
          subscriptions.push(() => output$.subscribe({ error: fail, complete: end }))
        } else {
          const fanOut = new Subject<unknown>()
          outputs.set(node.id, fanOut)
          subscriptions.push(() => output$.subscribe(fanOut))
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
