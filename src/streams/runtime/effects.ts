import type { TurnResult } from '../engine/task.ts'
import type { Message } from '../dsl/message.ts'
import type { Retry } from './retry.ts'

/** Gets all messages of one turn that reached the effect, in order per key. Runs again after a crash: must be idempotent. */
export type EffectHandler = (messages: readonly Message<unknown, unknown>[]) => Promise<void>

/** Handlers by effect name. */
export type EffectHandlers = Readonly<Record<string, EffectHandler>>

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
