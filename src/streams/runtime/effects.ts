import { SluiceError } from '../../core/errors.ts'
import type { Topology } from '../dsl/graph.ts'
import type { TurnResult } from '../engine/task.ts'
import type { Message } from '../dsl/message.ts'
import type { Retry } from './retry.ts'

/** Gets all messages of one turn that reached the effect, in order per key. Runs again after a crash: must be idempotent. */
export type EffectHandler = (messages: readonly Message<unknown, unknown>[]) => Promise<void>

/** Handlers by effect name. */
export type EffectHandlers = Readonly<Record<string, EffectHandler>>

/** Errors: SLUICE_STREAMS_EFFECT_UNBOUND when the topology names an effect that has no handler: its messages would be lost. */
export const requireHandlers = (topology: Topology, handlers: EffectHandlers): void => {
  const named = topology.subTopologies
    .flatMap(({ nodes }) => nodes)
    .flatMap(node => (node.kind === 'effect' ? [node.effect] : []))
  const unbound = [...new Set(named)].filter(name => handlers[name] === undefined)
  if (unbound.length === 0) return
  throw new SluiceError({
    code: 'SLUICE_STREAMS_EFFECT_UNBOUND',
    message: `topology ${topology.name} ends in ${unbound.join(', ')}, and nothing handles that`,
    remedy: 'give the worker a handler for each effect of its topology',
    details: { topology: topology.name, unbound },
  })
}

/** Runs the effects of a turn, all tasks' messages together, before its commit; a handler that can't answer yet is repeated. */
export const runEffects = async (
  results: readonly TurnResult[],
  handlers: EffectHandlers,
  retry: Retry,
): Promise<void> => {
  const collected = new Map<string, Message<unknown, unknown>[]>()
  for (const { effects } of results) {
    for (const [name, messages] of effects) collected.set(name, [...(collected.get(name) ?? []), ...messages])
  }
  await Promise.all(
    [...collected].map(([name, messages]) =>
      retry(`effect ${name}`, async () => {
        await handlers[name]?.(messages)
      }),
    ),
  )
}
