import type { ProducedRecord } from '../kafka/types.ts'
import { applicationName, withClient } from './connections.ts'
import { positionOfOther } from './errors.ts'
import { maintain } from './maintenance.ts'
import type { RelayDependencies, RelaySettings, RelayStatus } from './options.ts'
import type { LogIdentity, RelayPosition } from './position.ts'
import type { Publisher } from './publisher.ts'
import { ReplicationStream } from './replication-stream.ts'
import { checkPublication, checkSlot, identifyLog, releaseSlot } from './slot.ts'
import { takeSnapshot } from './snapshot.ts'
import { TransactionDecoder } from './transaction-decoder.ts'
import type { StreamElement } from './transaction-decoder.ts'

/** One life of the connections: from the position to the first failure, or to the signal. */
export const runSession = async (
  settings: RelaySettings,
  dependencies: RelayDependencies,
  publisher: Publisher,
  status: RelayStatus,
): Promise<void> => {
  status.state = 'starting'
  const found = await publisher.begin()
  const identity = await withClient(settings.postgresUrl, 'replication', client =>
    identifyLog(client, settings.slot),
  )
  if (found !== undefined && !isSameLog(found, identity)) throw positionOfOther(found, identity)
  const database = await withClient(settings.postgresUrl, 'sql', async client => {
    await checkPublication(client, settings)
    const result = await client.query<{ name: string }>('SELECT current_database() AS name')
    return result.rows[0]?.name ?? ''
  })
  const position = await startingPosition(settings, dependencies, publisher, status, identity, found)
  await streamFrom(position, database, settings, dependencies, publisher, status)
}

const isSameLog = (position: LogIdentity, actual: LogIdentity): boolean =>
  position.systemId === actual.systemId &&
  position.timeline === actual.timeline &&
  position.slot === actual.slot

const startingPosition = async (
  settings: RelaySettings,
  dependencies: RelayDependencies,
  publisher: Publisher,
  status: RelayStatus,
  identity: LogIdentity,
  found: RelayPosition | undefined,
): Promise<RelayPosition> => {
  if (found?.phase !== 'stream') {
    status.state = 'snapshot'
    return takeSnapshot(settings, dependencies, publisher, identity)
  }
  await withClient(settings.postgresUrl, 'sql', client => checkSlot(client, settings.slot, found))
  const claimed = await publisher.claim(found)
  dependencies.crash?.('relay.after-claim')
  // Only now is it certain that whoever still reads from the slot has been replaced.
  await withClient(settings.postgresUrl, 'sql', client => releaseSlot(client, settings))
  return claimed
}

const streamFrom = async (
  start: RelayPosition,
  database: string,
  settings: RelaySettings,
  dependencies: RelayDependencies,
  publisher: Publisher,
  status: RelayStatus,
): Promise<void> => {
  const { signal, log } = dependencies
  const stream = new ReplicationStream({
    postgresUrl: settings.postgresUrl,
    applicationName: applicationName(settings.name),
    slot: settings.slot,
    publication: settings.publication,
    decoder: new TransactionDecoder(start, settings.schema, settings.table),
    confirmedLsn: start.confirmedLsn,
    maxQueuedBytes: settings.maxBytes * 2,
    statusIntervalMs: settings.statusIntervalMs,
  })
  const onAbort = (): void => stream.interrupt(stopRequested)
  const ended = new AbortController()
  let maintenance: Promise<void> | undefined
  try {
    signal.addEventListener('abort', onAbort)
    if (signal.aborted) return
    await stream.open()
    let position = start
    maintenance = maintain(settings, dependencies, status, () => position.confirmedLsn, ended.signal)
    status.state = 'streaming'
    log.info({ slot: settings.slot, topic: settings.topic }, 'the relay streams')
    for (;;) {
      const elements = await stream.take(settings.maxRecords, settings.maxBytes)
      const next = advance(position, elements)
      await publisher.publish(recordsOf(elements, database, settings, publisher), next)
      dependencies.crash?.('relay.after-commit')
      // Only what has committed: pruning deletes rows by this.
      position = next
      stream.confirm(position.confirmedLsn)
    }
  } catch (error) {
    if (error !== stopRequested) throw error
  } finally {
    signal.removeEventListener('abort', onAbort)
    ended.abort(new Error('the session has ended'))
    await Promise.all([stream.close(), maintenance])
  }
}

const stopRequested = new Error('the relay was asked to stop')

const recordsOf = (
  elements: readonly StreamElement[],
  database: string,
  settings: RelaySettings,
  publisher: Publisher,
): ProducedRecord[] => {
  const records: ProducedRecord[] = []
  for (const element of elements) {
    if (element.kind !== 'row') continue
    const { transaction } = element
    records.push(
      publisher.record(element.row, {
        prefix: settings.prefix,
        database,
        schema: settings.schema,
        table: settings.table,
        snapshot: 'false',
        timeUs: transaction.commitTimeUs,
        transactionId: transaction.id,
        lsn: element.lsn,
        lastCommitLsn: transaction.lastCommitLsn,
      }),
    )
  }
  return records
}

/** The position once these elements are on the topic. */
export const advance = (position: RelayPosition, elements: readonly StreamElement[]): RelayPosition => {
  let next = position
  for (const element of elements) {
    if (element.kind === 'idle')
      next = { ...next, commitLsn: element.lsn, index: -1, confirmedLsn: element.lsn }
    else if (element.kind === 'row') {
      const { commitLsn, lastCommitLsn } = element.transaction
      next = { ...next, commitLsn, index: element.index, lastCommitLsn }
    } else {
      const { commitLsn, lastCommitLsn } = element.transaction
      const hadRows = element.lastIndex >= 0
      next = {
        ...next,
        commitLsn,
        index: element.lastIndex,
        confirmedLsn: element.endLsn,
        lastCommitLsn: hadRows ? element.endLsn : lastCommitLsn,
      }
    }
  }
  return next
}
