import { gunzipSync, gzipSync } from 'node:zlib'
import type { SeededSchema } from '../../codec/memory-registry.ts'
import type { Header, ProducedRecord } from '../../kafka/types.ts'

/** Committed records of some topics as they lay there, with the schemas that their values were written with. */
export interface RecordedLog {
  /** Partitions of each topic. */
  readonly partitions: Readonly<Record<string, number>>
  /** Every version of each subject, oldest first: seeds a `memorySchemaRegistry`. */
  readonly schemas: readonly SeededSchema[]
  /** In offset order within a partition. */
  readonly records: readonly ProducedRecord[]
}

interface Line extends Pick<ProducedRecord, 'topic' | 'partition' | 'timestamp'> {
  readonly key: string | null
  readonly value: string | null
  readonly headers: readonly (readonly [name: string, value: string])[]
}

// One character per byte: ids stay readable, and repeated ones compress, which base64 would prevent.
const textOf = (bytes: Buffer | null): string | null => bytes?.toString('latin1') ?? null
const bytesOf = (text: string | null): Buffer | null => (text === null ? null : Buffer.from(text, 'latin1'))

const lineOf = ({ topic, partition, timestamp, key, value, headers }: ProducedRecord): Line => ({
  topic,
  partition,
  timestamp,
  key: textOf(key),
  value: textOf(value),
  headers: headers.map(([name, bytes]) => [name, bytes.toString('latin1')]),
})

const recordOf = ({ key, value, headers, ...place }: Line): ProducedRecord => ({
  ...place,
  key: bytesOf(key),
  value: bytesOf(value),
  headers: headers.map(([name, text]): Header => [name, Buffer.from(text, 'latin1')]),
})

/**
 * A recorded log as a file: JSON lines, gzipped; the first line holds partitions and schemas, each further one a record.
 *
 * @example writeFileSync('log.jsonl.gz', packRecordedLog(log))
 */
export const packRecordedLog = ({ records, ...head }: RecordedLog): Buffer =>
  gzipSync([head, ...records.map(lineOf)].map(line => JSON.stringify(line)).join('\n'), { level: 9 })

/** The other way round. */
export const unpackRecordedLog = (bytes: Buffer): RecordedLog => {
  const [head = '', ...lines] = gunzipSync(bytes).toString('utf8').split('\n')
  return {
    ...(JSON.parse(head) as Omit<RecordedLog, 'records'>),
    records: lines.map(line => recordOf(JSON.parse(line) as Line)),
  }
}
