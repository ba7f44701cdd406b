import { messageOf } from '../core/errors.ts'
import { withClient } from './connections.ts'
import { parseLsn } from './lsn.ts'
import type { RelayDependencies, RelaySettings, RelayStatus } from './options.ts'
import { slotLagBytes } from './slot.ts'
import type pg from 'pg'

/** Rows seen in one look at the table; what they need before they may be deleted. */
interface PruneCandidates {
  readonly ids: readonly string[]
  /** Every transaction whose rows were visible has its commit record before this. */
  readonly beforeLsn: bigint
  readonly notBeforeMs: number
}

const pruneBatch = 5_000

/**
 * What the relay does beside streaming, until the signal: measures the slot's lag, and deletes outbox rows that are on the
 * topic. A failure is logged and tried again; it never stops the stream.
 */
export const maintain = async (
  settings: RelaySettings,
  dependencies: RelayDependencies,
  status: RelayStatus,
  confirmedLsn: () => bigint,
  signal: AbortSignal,
): Promise<void> => {
  const { clock, log } = dependencies
  const { postgresUrl, slot, statusIntervalMs, pruneAfterMs } = settings
  let candidates: PruneCandidates | undefined

  const round = async (client: pg.Client): Promise<void> => {
    status.slotLagBytes = await slotLagBytes(client, slot)
    if (pruneAfterMs === undefined) return
    if (candidates === undefined) candidates = await lookForRows(client, settings, clock.now() + pruneAfterMs)
    else if (clock.now() >= candidates.notBeforeMs && confirmedLsn() >= candidates.beforeLsn) {
      status.prunedRows += await deleteRows(client, settings, candidates.ids)
      candidates = undefined
    }
  }

  while (!signal.aborted) {
    try {
      await withClient(postgresUrl, 'sql', async client => {
        for (;;) {
          await round(client)
          await clock.sleep(statusIntervalMs, signal)
        }
      })
    } catch (error) {
      if (signal.aborted) return
      log.warn({ error: messageOf(error) }, 'the relay could not measure its slot or prune the outbox')
      await clock.sleep(statusIntervalMs, signal).catch(() => {})
    }
  }
}

/** The log's end is asked for after the rows were seen: what was visible had committed before it. */
const lookForRows = async (
  client: pg.Client,
  settings: RelaySettings,
  notBeforeMs: number,
): Promise<PruneCandidates | undefined> => {
  const { schema, table } = settings
  const rows = await client.query<{ id: string }>(
    `SELECT id::text FROM "${schema}"."${table}" LIMIT ${pruneBatch}`,
  )
  if (rows.rows.length === 0) return undefined
  const end = await client.query<{ lsn: string }>('SELECT pg_current_wal_insert_lsn()::text AS lsn')
  return {
    ids: rows.rows.map(row => row.id),
    beforeLsn: parseLsn(end.rows[0]?.lsn ?? 'FFFFFFFF/FFFFFFFF'),
    notBeforeMs,
  }
}

const deleteRows = async (
  client: pg.Client,
  settings: RelaySettings,
  ids: readonly string[],
): Promise<number> => {
  const result = await client.query(
    `DELETE FROM "${settings.schema}"."${settings.table}" WHERE id = ANY($1::uuid[])`,
    [ids],
  )
  return result.rowCount ?? 0
}
