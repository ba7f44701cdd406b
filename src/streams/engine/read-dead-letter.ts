import type { ConsumedRecord, Header } from '../../kafka/types.ts'
import { headerText } from '../dsl/message.ts'
import { deadLetterHeaders, retriesHeader, retryOfHeader, type LeftOut } from './dead-letter.ts'

/** A dead letter as it is read back. */
export interface DeadLetter {
  /** Where the record came from. */
  readonly source: { readonly topic: string; readonly partition: number; readonly offset: number }
  readonly code: string
  readonly exception: string
  readonly message: string
  readonly stackTrace: string
  readonly task: string
  readonly step: string
  /** ISO 8601. */
  readonly parkedAt: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** The record's event time, milliseconds since the epoch. */
  readonly timestamp: number
  /** The record's own. */
  readonly headers: readonly Header[]
  readonly leftOut: readonly LeftOut[]
  /** Of the value, when it was left out. */
  readonly valueBytes: number | undefined
  readonly valueSha256: string | undefined
  /** The dead letter that this record was a retry of: `<topic>/<partition>/<offset>`. */
  readonly retryOf: string | undefined
  /** How often the record had been sent again. */
  readonly retries: number
}

/**
 * Reads a dead letter, whoever wrote it: one of Kafka Streams lacks our headers. What happened stands behind the record's own
 * headers, which may have the same names.
 *
 * @example readDeadLetter(record).source // { topic: 'stock-movement', partition: 3, offset: 1204 }
 */
export const readDeadLetter = (record: ConsumedRecord): DeadLetter => {
  const { key, value, timestamp } = record
  const first = record.headers.findLastIndex(([name]) => name === deadLetterHeaders.exception)
  const headers = record.headers.slice(0, Math.max(first, 0))
  const facts: readonly Header[] = record.headers.slice(Math.max(first, 0))
  const fact = (name: keyof typeof deadLetterHeaders): string =>
    headerText(facts, deadLetterHeaders[name]) ?? ''
  const numberIn = (name: keyof typeof deadLetterHeaders): number => Number(fact(name) || -1)
  const leftOut = fact('leftOut').split(',').filter(isPart)
  return {
    source: { topic: fact('topic'), partition: numberIn('partition'), offset: numberIn('offset') },
    code: fact('code'),
    exception: fact('exception'),
    message: fact('message'),
    stackTrace: fact('stackTrace'),
    task: fact('task'),
    step: fact('step'),
    parkedAt: fact('parkedAt'),
    key,
    value,
    timestamp,
    headers,
    leftOut,
    valueBytes: fact('valueBytes') === '' ? undefined : numberIn('valueBytes'),
    valueSha256: fact('valueSha256') || undefined,
    retryOf: headerText(headers, retryOfHeader),
    retries: Number(headerText(headers, retriesHeader) ?? 0) || 0,
  }
}

const isPart = (text: string): text is LeftOut => text === 'value' || text === 'headers' || text === 'key'
