import type { ProducedRecord } from '../../kafka/types.ts'
import { retriesHeader, retryOfHeader, withoutRetry } from '../engine/dead-letter.ts'
import { letterIdText } from './letter-id.ts'
import type { ParkedLetter } from './letters.ts'

/**
 * The record as it was, for its source topic and partition: key, value, time and its own headers; behind them which letter it comes
 * from, and how often it has been sent again.
 */
export const retriedRecord = ({ id, letter }: Pick<ParkedLetter, 'id' | 'letter'>): ProducedRecord => ({
  topic: letter.source.topic,
  partition: letter.source.partition,
  timestamp: letter.timestamp,
  key: letter.key,
  value: letter.value,
  headers: [
    ...withoutRetry(letter.headers),
    [retryOfHeader, Buffer.from(letterIdText(id))],
    [retriesHeader, Buffer.from(String(letter.retries + 1))],
  ],
})
