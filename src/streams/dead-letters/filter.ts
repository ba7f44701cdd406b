import type { ParkedLetter } from './letters.ts'

/** Which letters are meant; every part that is given must hold. */
export interface LetterFilter {
  /** The source topic. */
  readonly topic?: string
  readonly step?: string
  readonly code?: string
  /** Parked at this time or later, milliseconds since the epoch. */
  readonly sinceMs?: number
  /** Retried and dropped ones too. */
  readonly settled?: boolean
}

/** Whether a letter is meant; one that does not say when it was parked is taken for old. */
export const matches = ({ letter, status }: ParkedLetter, filter: LetterFilter): boolean =>
  (filter.settled === true || status === undefined) &&
  (filter.topic === undefined || letter.source.topic === filter.topic) &&
  (filter.step === undefined || letter.step === filter.step) &&
  (filter.code === undefined || letter.code === filter.code) &&
  (filter.sinceMs === undefined || Date.parse(letter.parkedAt) >= filter.sinceMs)
