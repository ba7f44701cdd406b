import { SluiceError } from '../../core/errors.ts'
import { letterIdText, parseLetterId } from './letter-id.ts'
import type { DeadLetters, ParkedLetter } from './letters.ts'

/** The letters that a letter's record came from by retries, newest first: what was tried before, and what became of it. */
export const earlierLetters = async (letters: DeadLetters, parked: ParkedLetter): Promise<ParkedLetter[]> => {
  const found: ParkedLetter[] = []
  const seen = new Set([letterIdText(parked.id)])
  let next = parked.letter.retryOf
  while (next !== undefined && !seen.has(next)) {
    seen.add(next)
    const earlier = await lookUp(letters, next)
    // A record may bear the header of a letter that is elsewhere, or is none: who wrote the record is not known.
    if (earlier === undefined) break
    found.push(earlier)
    next = earlier.letter.retryOf
  }
  return found
}

const lookUp = async (letters: DeadLetters, text: string): Promise<ParkedLetter | undefined> => {
  try {
    const id = parseLetterId(text)
    if (id.topic !== letters.topic) return undefined
    for await (const found of letters.get([id])) return found
  } catch (error) {
    if (!(error instanceof SluiceError) || !error.code.startsWith('SLUICE_DLQ_')) throw error
  }
  return undefined
}
