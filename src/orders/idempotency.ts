import type { Postgres, Statement } from '../postgres/pool.ts'

/** A key somebody else holds, or what it is good for now. */
type Claim =
  /** The key is ours, under our entry id. */
  | { readonly kind: 'fresh' }
  /** The request was answered before, with this entry. */
  | { readonly kind: 'done'; readonly entryId: string }
  /** The key was used for another request. */
  | { readonly kind: 'other-request' }
  /** Its owner is at work, and alive as far as we know. */
  | { readonly kind: 'in-progress' }
  /** Its owner has not ended within the lease; what became of its entry has to be settled. */
  | { readonly kind: 'expired'; readonly entryId: string }

interface ClaimRequest {
  readonly key: string
  readonly fingerprint: string
  readonly entryId: string
}

/** The table `idempotency_key`; its completion is part of an entry's own commit. Leases run by the server's clock. */
export interface IdempotencyKeys {
  claim(request: ClaimRequest): Promise<Claim>
  /** Puts our entry in place of a settled one of a dead owner; false when somebody else was faster. */
  takeOver(key: string, formerEntryId: string, entryId: string): Promise<boolean>
  /** Marks the key done for an entry that was committed without its completion. */
  complete(key: string, entryId: string): Promise<void>
  /** Gives the key back after a refusal that leaves nothing behind; a done key is left alone. */
  drop(key: string, entryId: string): Promise<void>
  /** Forgets keys older than `retentionMs`; returns how many. */
  prune(retentionMs: number): Promise<number>
}

const insertKey: Statement = {
  name: 'insert-key-1',
  text: `INSERT INTO idempotency_key (key, fingerprint, entry_id, state, lease_until)
    VALUES ($1, $2, $3, 'in-progress', now() + $4::int * interval '1 ms') ON CONFLICT (key) DO NOTHING RETURNING key`,
}
const readKey: Statement = {
  name: 'read-key-1',
  text: `SELECT fingerprint, entry_id, state, lease_until < now() AS expired FROM idempotency_key WHERE key = $1`,
}
const takeKey: Statement = {
  name: 'take-key-1',
  text: `UPDATE idempotency_key SET entry_id = $3, lease_until = now() + $4::int * interval '1 ms'
    WHERE key = $1 AND entry_id = $2 AND state = 'in-progress' RETURNING key`,
}
const completeKey: Statement = {
  name: 'complete-key-1',
  text: `UPDATE idempotency_key SET state = 'done' WHERE key = $1 AND entry_id = $2`,
}
const dropKey: Statement = {
  name: 'drop-key-1',
  text: `DELETE FROM idempotency_key WHERE key = $1 AND entry_id = $2 AND state = 'in-progress'`,
}
const pruneKeys: Statement = {
  name: 'prune-keys-1',
  text: `WITH gone AS (
    DELETE FROM idempotency_key WHERE created_at < now() - $1::bigint * interval '1 ms' AND lease_until < now()
    RETURNING 1) SELECT count(*) AS count FROM gone`,
}

interface KeyRow {
  readonly fingerprint: string
  readonly entry_id: string
  readonly state: 'in-progress' | 'done'
  readonly expired: boolean
}

/**
 * Idempotency keys in Postgres.
 *
 * @example const claim = await keys.claim({ key, fingerprint: fingerprintOf('POST /orders', body), entryId: orderId })
 */
export const createIdempotencyKeys = (postgres: Postgres, leaseMs: number): IdempotencyKeys => ({
  claim: async ({ key, fingerprint, entryId }) => {
    for (;;) {
      const won = await postgres.query(insertKey, [key, fingerprint, entryId, leaseMs])
      if (won.length > 0) return { kind: 'fresh' }
      const [row] = await postgres.query<KeyRow>(readKey, [key])
      // Dropped between the two statements: it is free again.
      if (row === undefined) continue
      // Our own insert, whose answer was lost on the way.
      if (row.entry_id === entryId) return { kind: 'fresh' }
      if (row.fingerprint !== fingerprint) return { kind: 'other-request' }
      if (row.state === 'done') return { kind: 'done', entryId: row.entry_id }
      return row.expired ? { kind: 'expired', entryId: row.entry_id } : { kind: 'in-progress' }
    }
  },
  takeOver: async (key, formerEntryId, entryId) =>
    (await postgres.query(takeKey, [key, formerEntryId, entryId, leaseMs])).length > 0,
  complete: async (key, entryId) => {
    await postgres.query(completeKey, [key, entryId])
  },
  drop: async (key, entryId) => {
    await postgres.query(dropKey, [key, entryId])
  },
  prune: async retentionMs => {
    const [row] = await postgres.query<{ count: number }>(pruneKeys, [retentionMs])
    return row?.count ?? 0
  },
})
