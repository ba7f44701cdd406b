import type { Postgres, Statement } from '../postgres/pool.ts'
import type { Adjustment } from './adjustment.ts'
import type { EntryRepository, Fate } from './entry-repository.ts'
import { stockAdjusted } from './outbox.ts'

const commitAdjustment: Statement = {
  name: 'commit-adjustment-1',
  text: `WITH accepted AS (
    INSERT INTO stock_adjustment (id, sku, quantity, reason, created_at)
    VALUES ($1::uuid, $2::text, $3, $4, $5) ON CONFLICT (id) DO NOTHING RETURNING id
  ), announced AS (
    INSERT INTO outbox_event (id, aggregatetype, aggregateid, type, payload)
    SELECT $6::uuid, 'stock', $2::text, 'StockAdjusted', $7::jsonb FROM accepted
  ), completed AS (
    UPDATE idempotency_key AS claim SET state = 'done' FROM accepted
    WHERE claim.key = $8::text AND claim.entry_id = accepted.id
  )
  SELECT id FROM accepted`,
}

const abandonAdjustment: Statement = {
  name: 'abandon-adjustment-1',
  text: `INSERT INTO stock_adjustment (id, sku, quantity, reason, created_at, status)
    VALUES ($1, '', 0, '', now(), 'abandoned') ON CONFLICT (id) DO NOTHING RETURNING id`,
}

const findAdjustment: Statement = {
  name: 'find-adjustment-1',
  text: `SELECT adjustment.sku, adjustment.quantity, adjustment.reason, adjustment.created_at, adjustment.status
    FROM stock_adjustment AS adjustment WHERE id = $1`,
}

interface AdjustmentRow {
  readonly sku: string
  readonly quantity: number
  readonly reason: string
  readonly created_at: Date
  readonly status: Fate
}

/** Stock adjustments in Postgres. */
export const createAdjustmentsRepository = (postgres: Postgres): EntryRepository<Adjustment> => {
  const find = async (id: string): Promise<AdjustmentRow | undefined> => {
    const [row] = await postgres.query<AdjustmentRow>(findAdjustment, [id])
    return row
  }
  return {
    find: async id => {
      const row = await find(id)
      if (row === undefined || row.status === 'abandoned') return undefined
      const { sku, quantity, reason } = row
      // Where stock was held is in the event only: nobody asks for it here.
      return { id, sku, quantity, reason, createdAt: row.created_at.getTime(), mode: 'lwt', generation: null }
    },
    commit: async (adjustment, idempotencyKey) => {
      const event = stockAdjusted(adjustment)
      const rows = await postgres.query(commitAdjustment, [
        adjustment.id,
        adjustment.sku,
        adjustment.quantity,
        adjustment.reason,
        new Date(adjustment.createdAt),
        event.id,
        JSON.stringify(event.payload),
        idempotencyKey ?? null,
      ])
      return rows.length > 0
    },
    abandonUnlessAccepted: async id => {
      const won = await postgres.query(abandonAdjustment, [id])
      if (won.length > 0) return 'abandoned'
      return (await find(id))?.status === 'abandoned' ? 'abandoned' : 'accepted'
    },
  }
}
