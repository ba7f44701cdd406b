import { SluiceError } from '../../core/errors.ts'
import type { ConsumedRecord, ProducedRecord, TopicSpec } from '../../kafka/types.ts'
import { deadLetterStatusTopicName } from '../dsl/failures.ts'
import type { Topology } from '../dsl/graph.ts'

/** What was decided on a dead letter; none where nothing was. */
export interface LetterStatus {
  readonly state: 'retried' | 'dropped'
  /** ISO 8601. */
  readonly at: string
  /** Who decided, as the command was told. */
  readonly by: string
  /** Why it was dropped. */
  readonly reason?: string
}

/** The status topic: one partition, the last word on each dead letter. */
export const deadLetterStatusTopicSpec = (topology: Pick<Topology, 'name'>): TopicSpec => ({
  name: deadLetterStatusTopicName(topology),
  partitions: 1,
  config: { 'cleanup.policy': 'compact' },
})

/** The mark of a decision: its key is the letter's id, its value JSON. */
export const statusRecord = (topic: string, id: string, status: LetterStatus): ProducedRecord => ({
  topic,
  partition: 0,
  timestamp: Date.parse(status.at),
  key: Buffer.from(id),
  value: Buffer.from(JSON.stringify(status)),
  headers: [],
})

/** Reads a mark back. Errors: SLUICE_DLQ_STATUS_INVALID for what is none; guessing could send a record twice. */
export const readStatus = ({ topic, offset, key, value }: ConsumedRecord): [id: string, LetterStatus] => {
  const status: unknown = parsed(value)
  if (key !== null && isStatus(status)) return [key.toString('utf8'), status]
  throw new SluiceError({
    code: 'SLUICE_DLQ_STATUS_INVALID',
    message: `the record at ${topic}[0] offset ${offset} is no mark of a dead letter`,
    remedy: `find out who wrote it: only \`sluice dlq\` writes to ${topic}; write the right mark under the same key`,
    details: { topic, offset },
  })
}

const parsed = (value: Buffer | null): unknown => {
  try {
    return JSON.parse(value?.toString('utf8') ?? '')
  } catch {
    return undefined
  }
}

const isStatus = (value: unknown): value is LetterStatus =>
  typeof value === 'object' &&
  value !== null &&
  'state' in value &&
  (value.state === 'retried' || value.state === 'dropped') &&
  'at' in value &&
  typeof value.at === 'string' &&
  'by' in value &&
  typeof value.by === 'string'
