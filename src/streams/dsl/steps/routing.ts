import { map, tap, type OperatorFunction } from 'rxjs'
import type { Delivered } from '../flow.ts'
import type { Format } from '../format.ts'
import { withKey, type Message, type Placed } from '../message.ts'
import { defineStep } from '../step.ts'
import type { TopicDeclaration } from '../topic.ts'

/** Replaces the key; the record is then out of its place until a `repartition`. Plain RxJS `map`, shorter. */
export const rekey = <K, V, L>(
  key: (message: Message<K, V>) => L,
): OperatorFunction<Message<K, V>, Message<L, V>> => map(message => withKey(message, key(message)))

/**
 * Sends the flow through the topic `<application.id>-<name>-repartition`, so that each record is in the place of its key.
 * What follows is another sub-topology, with tasks of its own.
 *
 * @example rekey(m => m.value.orderId), repartition('by-order', { key: utf8, value: avroFormat<Line>(schema) })
 */
export const repartition = <K, V>(
  name: string,
  formats: { readonly key: Format<K>; readonly value: Format<V> },
): OperatorFunction<Message<K, V>, Message<Placed<K>, V>> =>
  defineStep({ kind: 'repartition', name, key: formats.key, value: formats.value }, (context, nodeName) =>
    deliverTo(context.deliver, nodeName),
  )

/**
 * The end of a flow: a topic. Key and value are checked against the topic's types.
 *
 * @example from(a).pipe(mapValue(f), to(b))
 */
export const to = <K, V>(topic: TopicDeclaration<K, V>): OperatorFunction<Message<K, V>, Delivered> =>
  defineStep({ kind: 'sink', topic: topic }, (context, nodeName) => deliverTo(context.deliver, nodeName))

/**
 * The end of a flow outside of Kafka: the handler registered under this name gets the messages of a whole turn at once, before
 * the turn's commit. It runs again after a crash, so it must be idempotent; `idempotent` says why it is, for whoever reads the
 * topology.
 *
 * @example from(stockUpdate).pipe(effect('materialize', { idempotent: 'rows bear the version as their write time' }))
 */
export const effect = <K, V>(
  name: string,
  options: { readonly idempotent?: string } = {},
): OperatorFunction<Message<K, V>, Delivered> =>
  defineStep({ kind: 'effect', effect: name, idempotent: options.idempotent }, context =>
    deliverTo(context.effect, name),
  )

const deliverTo =
  <A, B>(
    deliver: (name: string, message: Message<unknown, unknown>) => void,
    name: string,
  ): OperatorFunction<A, B> =>
  source$ =>
    source$.pipe(tap(message => deliver(name, message as Message<unknown, unknown>))) as never
