import type pg from 'pg'
import type { OutboxRow } from '../../schemas/types.ts'
import { withClient } from './connections.ts'
import type { RowSource } from './envelope.ts'
import { knownIds } from './known-ids.ts'
import type { RelayDependencies, RelaySettings } from './options.ts'
import type { LogIdentity, RelayPosition } from './position.ts'
import type { Publisher } from './publisher.ts'
import { createSlot, dropSlot } from './slot.ts'

interface SnapshotRow extends OutboxRow {
  readonly xid: string
}

const nothingSent = 0n

/** The position of a snapshot that has not ended: whoever starts from it begins the snapshot again. */
export const snapshotPosition = (identity: LogIdentity, owner: string): RelayPosition => ({
  ...identity,
  phase: 'snapshot',
  owner,
  commitLsn: nothingSent,
  index: -1,
  confirmedLsn: nothingSent,
  lastCommitLsn: null,
})

/**
 * Makes the slot anew and sends the table's rows of just before it, without those that are on the topic already; what
 * commits later comes by the slot. So it can be interrupted and begun again at any point.
 */
export const takeSnapshot = async (
  settings: RelaySettings,
  dependencies: RelayDependencies,
  publisher: Publisher,
  identity: LogIdentity,
): Promise<RelayPosition> => {
  const { kafka, log, signal, instanceId } = dependencies
  await publisher.claim(snapshotPosition(identity, instanceId))
  // Before the slot is made, since the snapshot holds up the clean-up of the whole database. Nobody else can write now.
  const known = await knownIds(
    kafka,
    settings.topic,
    publisher.partitions,
    value => publisher.idOf(value),
    signal,
  )
  await withClient(settings.postgresUrl, 'sql', client => dropSlot(client, settings))

  return withClient(settings.postgresUrl, 'replication', async replication => {
    const slot = await createSlot(replication, settings.slot)
    const position: RelayPosition = {
      ...snapshotPosition(identity, instanceId),
      phase: 'stream',
      commitLsn: slot.lsn,
      confirmedLsn: slot.lsn,
    }
    const sent = await withClient(settings.postgresUrl, 'sql', client =>
      sendRows(client, slot.snapshot, settings, publisher, known, position, signal),
    )
    log.info(
      { slot: settings.slot, sent, onTopic: known.size },
      'the rows older than the slot are on the topic',
    )
    return position
  })
}

const sendRows = async (
  client: pg.Client,
  snapshot: string,
  settings: RelaySettings,
  publisher: Publisher,
  known: ReadonlySet<string>,
  position: RelayPosition,
  signal: AbortSignal,
): Promise<number> => {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
  await client.query(`SET TRANSACTION SNAPSHOT '${snapshot}'`)
  const source = await snapshotSource(client, settings, position.confirmedLsn)
  // Transaction ids come nearest to the order in which rows were written; the order of commits is not kept anywhere.
  await client.query(
    `DECLARE rows NO SCROLL CURSOR FOR
     SELECT id::text, aggregatetype, aggregateid, type, payload::text, xmin::text AS xid
     FROM "${settings.schema}"."${settings.table}" ORDER BY age(xmin) DESC, ctid`,
  )
  let sent = 0
  let held: SnapshotRow | undefined
  for (;;) {
    signal.throwIfAborted()
    const page = await client.query<SnapshotRow>(`FETCH ${settings.maxRecords} FROM rows`)
    const isLast = page.rows.length < settings.maxRecords
    const rows = page.rows.filter(row => !known.has(row.id))
    // One row is held back until it is certain whether it is the last.
    const ready = held === undefined ? rows : [held, ...rows]
    held = isLast ? undefined : ready.pop()
    const before = sent
    const records = ready.map(({ xid, ...row }, index) => {
      const isEnd = isLast && index === ready.length - 1
      const mark = isEnd ? 'last' : before + index === 0 ? 'first' : 'true'
      return publisher.record(row, { ...source, snapshot: mark, transactionId: Number(xid) })
    })
    if (records.length > 0 || isLast) await publisher.publish(records, isLast ? position : undefined)
    sent += records.length
    if (isLast) break
  }
  await client.query('COMMIT')
  return sent
}

const snapshotSource = async (
  client: pg.Client,
  settings: RelaySettings,
  lsn: bigint,
): Promise<RowSource> => {
  const result = await client.query<{ database: string; time: string }>(
    'SELECT current_database() AS database, (extract(epoch FROM now()) * 1000000)::bigint::text AS time',
  )
  return {
    prefix: settings.prefix,
    database: result.rows[0]?.database ?? '',
    schema: settings.schema,
    table: settings.table,
    snapshot: 'true',
    timeUs: BigInt(result.rows[0]?.time ?? 0),
    transactionId: null,
    lsn,
    lastCommitLsn: null,
  }
}
