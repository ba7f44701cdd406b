import { SluiceError } from '../../../src/core/errors.ts'
import type { EntryRepository, Fate } from '../../../src/orders/entry-repository.ts'
import type { IdempotencyKeys } from '../../../src/orders/idempotency.ts'

/** What befalls a step: nothing, an error before it took effect, or an error although it took effect. */
export type Fault = 'none' | 'before' | 'after'

const unavailable = (): SluiceError =>
  new SluiceError({
    code: 'SLUICE_POSTGRES_UNAVAILABLE',
    message: 'connection lost',
    reaction: 'retry',
    details: { outcome: 'unknown' },
  })

/** Runs a step under the next fault of the plan. */
export type Faulty = <Result>(work: () => Promise<Result>) => Promise<Result>

export const faulty = (plan: readonly Fault[]): Faulty => {
  let next = 0
  return async work => {
    const fault = plan[next] ?? 'none'
    next += 1
    if (fault === 'before') throw unavailable()
    const result = await work()
    if (fault === 'after') throw unavailable()
    return result
  }
}

/** The tables of Postgres that the protocol needs, in memory: every step is atomic, as it is there. */
export const memoryEntries = <Entry extends { readonly id: string }>(step: Faulty) => {
  const rows = new Map<string, { readonly fate: Fate; readonly entry: Entry | undefined }>()
  const keys = new Map<string, { fingerprint: string; entryId: string; done: boolean; expired: boolean }>()

  const repository: EntryRepository<Entry> = {
    find: async id => rows.get(id)?.entry,
    commit: (entry, key) =>
      step(async () => {
        if (rows.has(entry.id)) return false
        rows.set(entry.id, { fate: 'accepted', entry })
        const claim = key === undefined ? undefined : keys.get(key)
        if (claim?.entryId === entry.id) claim.done = true
        return true
      }),
    abandonUnlessAccepted: id =>
      step(async () => {
        if (!rows.has(id)) rows.set(id, { fate: 'abandoned', entry: undefined })
        return rows.get(id)?.fate ?? 'abandoned'
      }),
  }
  const idempotency: IdempotencyKeys = {
    claim: ({ key, fingerprint, entryId }) =>
      step(async () => {
        const claim = keys.get(key)
        if (claim === undefined) {
          keys.set(key, { fingerprint, entryId, done: false, expired: false })
          return { kind: 'fresh' }
        }
        if (claim.entryId === entryId) return { kind: 'fresh' }
        if (claim.fingerprint !== fingerprint) return { kind: 'other-request' }
        if (claim.done) return { kind: 'done', entryId: claim.entryId }
        return claim.expired ? { kind: 'expired', entryId: claim.entryId } : { kind: 'in-progress' }
      }),
    takeOver: (key, former, entryId) =>
      step(async () => {
        const claim = keys.get(key)
        if (claim === undefined || claim.done || claim.entryId !== former) return false
        keys.set(key, { ...claim, entryId, expired: false })
        return true
      }),
    complete: (key, entryId) =>
      step(async () => {
        const claim = keys.get(key)
        if (claim?.entryId === entryId) claim.done = true
      }),
    drop: (key, entryId) =>
      step(async () => {
        const claim = keys.get(key)
        if (claim?.entryId === entryId && !claim.done) keys.delete(key)
      }),
    prune: async () => 0,
  }
  const expireKeys = (): void => {
    for (const claim of keys.values()) claim.expired = true
  }
  return { repository, idempotency, rows, keys, expireKeys }
}
