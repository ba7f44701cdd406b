import { createHash } from 'node:crypto'
import type { ConsumedRecord, Kafka, KafkaAdmin } from '../kafka/types.ts'
import type { Coverage } from './coverage.ts'
import { PartFindings } from './difference.ts'
import { scanPartition } from './read-log.ts'
import type { Counterpart } from './shadow-topology.ts'

/** What a store holds under a key, as its changelog has it: everything but the offset counts. */
interface StoredEntry {
  readonly digest: string
  readonly offset: number
}

/** The last word on each key of a changelog's partition; a deleted key is not there. */
export const foldChangelog = (
  into: Map<string, StoredEntry>,
  records: readonly ConsumedRecord[],
): Map<string, StoredEntry> => {
  for (const { key, value, timestamp, headers, offset } of records) {
    const id = (key ?? Buffer.alloc(0)).toString('latin1')
    if (value === null) {
      into.delete(id)
      continue
    }
    const hash = createHash('sha256').update(value).update(`\n${timestamp}`)
    for (const [name, text] of headers) hash.update(`\n${name}=`).update(text)
    into.set(id, { digest: hash.digest('base64'), offset })
  }
  return into
}

const readStore = async (
  kafka: Kafka,
  admin: KafkaAdmin,
  topic: string,
  partition: number,
): Promise<ReadonlyMap<string, StoredEntry>> => {
  const scan = await scanPartition(kafka, admin, { topic, partition })
  const entries = new Map<string, StoredEntry>()
  try {
    for (;;) {
      const records = await scan.next()
      if (records === undefined) return entries
      foldChangelog(entries, records)
    }
  } finally {
    await scan.close()
  }
}

/**
 * Compares what two changelogs say of one partition. Where live has read another part of the log than the replay, an entry that differs may
 * have changed since, and stays undecided.
 */
export const compareEntries = (
  findings: PartFindings,
  live: ReadonlyMap<string, StoredEntry>,
  replayed: ReadonlyMap<string, StoredEntry>,
  coverage: Coverage,
): void => {
  const isDecided = !coverage.isLiveAhead && !coverage.isLiveBehind && !coverage.isPartial
  for (const id of new Set([...live.keys(), ...replayed.keys()])) {
    const [one, other] = [live.get(id), replayed.get(id)]
    if (one?.digest === other?.digest) findings.equal++
    else if (isDecided) findings.differs(Buffer.from(id, 'latin1').toString('utf8'), wordsFor(one, other))
    else findings.undecided++
  }
}

const wordsFor = (live: StoredEntry | undefined, replayed: StoredEntry | undefined): string => {
  if (live === undefined) return `is only in the replay (changelog offset ${replayed?.offset})`
  if (replayed === undefined) return `is not in the replay (changelog offset ${live.offset} live)`
  return `differs (changelog offset ${live.offset} live, ${replayed.offset} replayed)`
}

/** Compares a store of a shadow with the live one, as their changelogs give them. */
export const compareStore = async (
  kafka: Kafka,
  admin: KafkaAdmin,
  { name, live, shadow }: Counterpart,
  coverage: Coverage,
): Promise<PartFindings> => {
  const findings = new PartFindings(`${name} (store)`)
  const [described] = await admin.describeTopics([live])
  for (let partition = 0; partition < (described?.partitions ?? 0); partition++) {
    const one = await readStore(kafka, admin, live, partition)
    compareEntries(findings, one, await readStore(kafka, admin, shadow, partition), coverage)
  }
  return findings
}
