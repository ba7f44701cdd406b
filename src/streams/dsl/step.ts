import type { OperatorFunction } from 'rxjs'
import type { KeyValueStore, StoreDeclaration } from './store.ts'
import type { TopicDeclaration } from './topic.ts'
import type { Format } from './format.ts'
import type { Message } from './message.ts'
import { SluiceError } from '../../core/errors.ts'

/** What the engine gives a step when it runs it for one turn of one task. */
export interface StepContext {
  /** The task's part of a store; `at` is the event time that writes are stamped with. */
  readonly store: (declaration: StoreDeclaration<unknown, unknown>) => TimedStore
  /** Hands a message to a topic (a sink's or a repartition's). */
  readonly deliver: (sink: string, message: Message<unknown, unknown>) => void
  /** Hands a message to an effect, which runs at the end of the turn, before the commit. */
  readonly effect: (name: string, message: Message<unknown, unknown>) => void
}

/** A store whose writes carry event time; the step moves it from record to record. */
export interface TimedStore extends KeyValueStore<unknown, unknown> {
  at(timestamp: number): void
}

/** What a step says of itself: the graph is built from these, never from running anything. */
export type StepDescription =
  | {
      readonly kind: 'processor'
      readonly name: string
      readonly stores: readonly StoreDeclaration<unknown, unknown>[]
    }
  | {
      readonly kind: 'repartition'
      readonly name: string
      readonly key: Format<unknown>
      readonly value: Format<unknown>
    }
  | { readonly kind: 'sink'; readonly topic: TopicDeclaration<unknown, unknown> }
  | { readonly kind: 'effect'; readonly effect: string; readonly idempotent: string | undefined }

export const stepSymbol: unique symbol = Symbol('sluice.step')

/** An RxJS operator that also says what it is, and that the engine binds to a task before it subscribes. */
export type Step<A, B> = OperatorFunction<A, B> & {
  readonly [stepSymbol]: {
    readonly description: StepDescription
    readonly bind: (context: StepContext, nodeName: string) => OperatorFunction<A, B>
  }
}

/**
 * Makes a step. Subscribed outside of a topology it fails with a clear error instead of working on no state.
 *
 * @example defineStep<Message<K, V>, Message<K, R>>({ kind: 'processor', name, stores: [] }, () => map(f))
 */
export const defineStep = <A, B>(
  description: StepDescription,
  bind: (context: StepContext, nodeName: string) => OperatorFunction<A, B>,
): Step<A, B> => {
  const unbound: OperatorFunction<A, B> = () => {
    throw new SluiceError({
      code: 'SLUICE_DSL_STEP_UNBOUND',
      message: `step ${'name' in description ? description.name : description.kind} was subscribed outside of a topology`,
      remedy: 'put the flow into topology(…) and run it with a worker or with TopologyTestDriver',
    })
  }
  return Object.assign(unbound, {
    [stepSymbol]: Object.freeze({ description: Object.freeze(description), bind }),
  })
}

/** The step's own part of an operator, or undefined for a plain RxJS operator. */
export const stepOf = (
  operator: OperatorFunction<never, unknown>,
): Step<never, unknown>[typeof stepSymbol] | undefined =>
  stepSymbol in operator ? (operator as Step<never, unknown>)[stepSymbol] : undefined
