import { createHash } from 'node:crypto'
import { SluiceError, messageOf } from '../../core/errors.ts'
import { fitsTopic } from '../../kafka/batch-size.ts'
import type { ConsumedRecord, Header, ProducedRecord } from '../../kafka/types.ts'

/** Headers that a dead letter has besides its source record's own: first those of Kafka Streams (KIP-1034), then ours. */
export const deadLetterHeaders = {
  exception: '__streams.errors.exception',
  message: '__streams.errors.message',
  stackTrace: '__streams.errors.stacktrace',
  topic: '__streams.errors.topic',
  partition: '__streams.errors.partition',
  offset: '__streams.errors.offset',
  code: 'sluice.errors.code',
  task: 'sluice.errors.task',
  step: 'sluice.errors.step',
  parkedAt: 'sluice.errors.parked-at',
  leftOut: 'sluice.errors.left-out',
  valueBytes: 'sluice.errors.value-bytes',
  valueSha256: 'sluice.errors.value-sha256',
} as const

/** On a record that was sent again: the dead letter it comes from, `<topic>/<partition>/<offset>`. */
export const retryOfHeader = 'sluice.retry-of'

/** On a record that was sent again: how often it was, this time included. */
export const retriesHeader = 'sluice.retries'

/** Headers without those of a retry, which are of the record that was sent again and of nothing that comes of it. */
export const withoutRetry = (headers: readonly Header[]): readonly Header[] =>
  headers.some(isOfRetry) ? headers.filter(header => !isOfRetry(header)) : headers

const isOfRetry = ([name]: Header): boolean => name === retryOfHeader || name === retriesHeader

const longestMessage = 2_000
const longestStackTrace = 6_000

/** A record that failed, and where. */
export interface FailedRecord {
  readonly record: ConsumedRecord
  readonly error: unknown
  readonly task: string
  /** The name of the node that failed. */
  readonly step: string
}

export interface DeadLetterTarget {
  readonly topic: string
  readonly maxMessageBytes: number
  /** When it is parked, milliseconds since the epoch. */
  readonly nowMs: number
}

/** Parts of a record that its dead letter is too small for; they still lie where the record came from. */
export type LeftOut = 'value' | 'headers' | 'key'

export const codeOf = (error: unknown): string =>
  error instanceof SluiceError ? error.code : 'SLUICE_STREAMS_STEP_THREW'

const text = (name: string, value: string | number): Header => [name, Buffer.from(String(value))]

const describedError = (error: unknown): Header[] => {
  const name = error instanceof Error ? error.name : typeof error
  const message = messageOf(error).slice(0, longestMessage)
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  return [
    text(deadLetterHeaders.exception, `${name}: ${message}`),
    text(deadLetterHeaders.message, message),
    text(deadLetterHeaders.stackTrace, stack.slice(0, longestStackTrace)),
  ]
}

/**
 * The dead letter of a failed record: its bytes, time and headers as they were, and what happened as further headers. Where the
 * topic does not take all of it, the value is left out, then headers, then the key; size and SHA-256 of the value are told.
 */
export const deadLetterOf = (
  { record, error, task, step }: FailedRecord,
  { topic, maxMessageBytes, nowMs }: DeadLetterTarget,
): ProducedRecord => {
  const facts: readonly Header[] = [
    ...describedError(error),
    text(deadLetterHeaders.topic, record.topic),
    text(deadLetterHeaders.partition, record.partition),
    text(deadLetterHeaders.offset, record.offset),
    text(deadLetterHeaders.code, codeOf(error)),
    text(deadLetterHeaders.task, task),
    text(deadLetterHeaders.step, step),
    text(deadLetterHeaders.parkedAt, new Date(nowMs).toISOString()),
  ]
  const letter = (leftOut: readonly LeftOut[]): ProducedRecord => ({
    topic,
    partition: record.partition,
    timestamp: record.timestamp,
    key: leftOut.includes('key') ? null : record.key,
    value: leftOut.includes('value') ? null : record.value,
    headers: [
      ...(leftOut.includes('headers') ? [] : record.headers),
      ...facts,
      ...(leftOut.length === 0 ? [] : whatIsMissing(record, leftOut)),
    ],
  })
  const attempts: readonly (readonly LeftOut[])[] = [[], ['value'], ['value', 'headers']]
  for (const leftOut of attempts) {
    const made = letter(leftOut)
    if (fitsTopic(made, maxMessageBytes)) return made
  }
  return letter(['value', 'headers', 'key'])
}

const whatIsMissing = ({ value }: ConsumedRecord, leftOut: readonly LeftOut[]): Header[] => [
  text(deadLetterHeaders.leftOut, leftOut.join(',')),
  ...(value === null
    ? []
    : [
        text(deadLetterHeaders.valueBytes, value.length),
        text(deadLetterHeaders.valueSha256, createHash('sha256').update(value).digest('hex')),
      ]),
]
