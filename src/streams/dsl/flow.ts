import type { OperatorFunction } from 'rxjs'
import type { Message, Placed } from './message.ts'
import type { TopicDeclaration } from './topic.ts'

/** How a flow came to be; read by `topology`, never run. */
export type FlowOrigin =
  | { readonly kind: 'source'; readonly topics: readonly TopicDeclaration<unknown, unknown>[] }
  | { readonly kind: 'pipe'; readonly parent: AnyFlow; readonly operator: OperatorFunction<never, unknown> }
  | { readonly kind: 'merge'; readonly parents: readonly AnyFlow[] }

export interface AnyFlow {
  readonly origin: FlowOrigin
}

type Op<A, B> = OperatorFunction<A, B>

/** An immutable description of a stream; using the same flow twice fans out. Nothing is subscribed before a worker runs it. */
export interface Flow<T> extends AnyFlow {
  pipe<A>(a: Op<T, A>): Flow<A>
  pipe<A, B>(a: Op<T, A>, b: Op<A, B>): Flow<B>
  pipe<A, B, C>(a: Op<T, A>, b: Op<A, B>, c: Op<B, C>): Flow<C>
  pipe<A, B, C, D>(a: Op<T, A>, b: Op<A, B>, c: Op<B, C>, d: Op<C, D>): Flow<D>
  pipe<A, B, C, D, E>(a: Op<T, A>, b: Op<A, B>, c: Op<B, C>, d: Op<C, D>, e: Op<D, E>): Flow<E>
  pipe<A, B, C, D, E, F>(
    a: Op<T, A>,
    b: Op<A, B>,
    c: Op<B, C>,
    d: Op<C, D>,
    e: Op<D, E>,
    f: Op<E, F>,
  ): Flow<F>
  pipe<A, B, C, D, E, F, G>(
    a: Op<T, A>,
    b: Op<A, B>,
    c: Op<B, C>,
    d: Op<C, D>,
    e: Op<D, E>,
    f: Op<E, F>,
    g: Op<F, G>,
  ): Flow<G>
  pipe<A, B, C, D, E, F, G, H>(
    a: Op<T, A>,
    b: Op<A, B>,
    c: Op<B, C>,
    d: Op<C, D>,
    e: Op<D, E>,
    f: Op<E, F>,
    g: Op<F, G>,
    h: Op<G, H>,
  ): Flow<H>
}

declare const delivered: unique symbol

/** The element type of a flow that ends in a topic or an effect; only such flows make a topology. */
export interface Delivered {
  readonly [delivered]: true
}

const flowOf = <T>(origin: FlowOrigin): Flow<T> => {
  const flow: AnyFlow & { pipe: (...operators: OperatorFunction<never, unknown>[]) => AnyFlow } = {
    origin: Object.freeze(origin),
    pipe: (...operators) =>
      operators.reduce<AnyFlow>((parent, operator) => flowOf({ kind: 'pipe', parent, operator }), flow),
  }
  return Object.freeze(flow) as AnyFlow as Flow<T>
}

/**
 * The records of one topic, or of several with the same types, in a place given by their key.
 *
 * @example from(orderCreated).pipe(filter(m => m.value.lines.length > 0), to(orderValidated))
 */
export const from = <K, V>(...topics: readonly TopicDeclaration<K, V>[]): Flow<Message<Placed<K>, V>> =>
  flowOf({ kind: 'source', topics: topics })

/**
 * Both flows as one; keyed steps that follow need the topics behind them to have equal partition counts.
 *
 * @example merge(heads, decisions).pipe(process('gather', { orders }, gather))
 */
export const merge = <A, B>(left: Flow<A>, right: Flow<B>): Flow<A | B> =>
  flowOf({ kind: 'merge', parents: [left, right] })
