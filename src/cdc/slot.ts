import type pg from 'pg'
import { applicationName } from './connections.ts'
import { publicationMissing, slotInUse, slotLost, slotMoved } from './errors.ts'
import { parseLsn } from './lsn.ts'
import type { LogIdentity, RelayPosition } from './position.ts'
import type { RelaySettings } from './options.ts'

/** A slot that was just made: its stream begins at `lsn`, its snapshot shows exactly what was committed before. */
export interface NewSlot {
  readonly lsn: bigint
  readonly snapshot: string
}

interface SlotRow {
  readonly active_pid: number | null
  readonly reader: string | null
  readonly confirmed: string | null
  readonly wal_status: string | null
  readonly invalidation: string | null
}

const readSlot = async (client: pg.Client, slot: string): Promise<SlotRow | undefined> => {
  // The reason is a column from Postgres 17 on.
  const result = await client.query<SlotRow>(
    `SELECT active_pid, application_name AS reader, confirmed_flush_lsn::text AS confirmed, wal_status, to_jsonb(s)->>'invalidation_reason' AS invalidation
     FROM pg_replication_slots s LEFT JOIN pg_stat_activity a ON a.pid = s.active_pid WHERE slot_name = $1`,
    [slot],
  )
  return result.rows[0]
}

/** @param client a replication connection. */
export const identifyLog = async (client: pg.Client, slot: string): Promise<LogIdentity> => {
  const result = await client.query<{ systemid: string; timeline: number | string }>('IDENTIFY_SYSTEM')
  const row = result.rows[0]
  return { systemId: String(row?.systemid), timeline: Number(row?.timeline), slot }
}

/** Errors: `SLUICE_RELAY_PUBLICATION_MISSING`. */
export const checkPublication = async (client: pg.Client, settings: RelaySettings): Promise<void> => {
  const { publication, schema, table } = settings
  const publications = await client.query<{ pubinsert: boolean }>(
    'SELECT pubinsert FROM pg_publication WHERE pubname = $1',
    [publication],
  )
  if (publications.rows[0] === undefined)
    throw publicationMissing(publication, `${schema}.${table}`, 'does not exist; it is for')
  const tables = await client.query(
    'SELECT 1 FROM pg_publication_tables WHERE pubname = $1 AND schemaname = $2 AND tablename = $3',
    [publication, schema, table],
  )
  if (tables.rowCount === 0 || !publications.rows[0].pubinsert)
    throw publicationMissing(publication, `${schema}.${table}`, 'does not publish inserts into')
}

/**
 * That the slot can go on from the position: it exists, has kept its log, and stands where this relay has left it.
 *
 * Errors: `SLUICE_RELAY_SLOT_LOST`.
 */
export const checkSlot = async (client: pg.Client, slot: string, position: RelayPosition): Promise<void> => {
  const row = await readSlot(client, slot)
  if (row === undefined) throw slotLost(slot, 'does not exist any more')
  if (row.wal_status === 'lost' || row.invalidation !== null)
    throw slotLost(slot, `was invalidated by Postgres (${row.invalidation ?? 'its log was removed'})`)
  const confirmed = parseLsn(row.confirmed ?? '0/0')
  if (confirmed > position.confirmedLsn) throw slotMoved(slot, confirmed, position)
}

/**
 * Ends the connection of an earlier relay of this name: its producer has been fenced, it can do nothing more with the slot.
 *
 * Errors: `SLUICE_RELAY_SLOT_IN_USE` when something else reads from it.
 */
export const releaseSlot = async (client: pg.Client, settings: RelaySettings): Promise<void> => {
  const row = await readSlot(client, settings.slot)
  if (row?.active_pid == null) return
  // A name that was hidden from us or cut off may be ours; Postgres then refuses, or ends it, by its own rules.
  const reader = row.reader ?? ''
  if (reader !== '' && reader !== applicationName(settings.name)) throw slotInUse(settings.slot, reader)
  await client.query('SELECT pg_terminate_backend($1, 5000)', [row.active_pid])
}

/** Errors: `SLUICE_RELAY_SLOT_IN_USE`. */
export const dropSlot = async (client: pg.Client, settings: RelaySettings): Promise<void> => {
  await releaseSlot(client, settings)
  await client.query(
    'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1',
    [settings.slot],
  )
}

/** @param client a replication connection; the snapshot lives until its next command. */
export const createSlot = async (client: pg.Client, slot: string): Promise<NewSlot> => {
  const result = await client.query<{ consistent_point: string; snapshot_name: string }>(
    `CREATE_REPLICATION_SLOT "${slot}" LOGICAL pgoutput (SNAPSHOT 'export')`,
  )
  const row = result.rows[0]
  return { lsn: parseLsn(row?.consistent_point ?? '0/0'), snapshot: row?.snapshot_name ?? '' }
}

/** Bytes of log kept for the slot; undefined when it is gone. */
export const slotLagBytes = async (client: pg.Client, slot: string): Promise<number | undefined> => {
  const result = await client.query<{ lag: string | null }>(
    'SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)::text AS lag FROM pg_replication_slots WHERE slot_name = $1',
    [slot],
  )
  const lag = result.rows[0]?.lag
  return lag == null ? undefined : Math.max(0, Number(lag))
}
