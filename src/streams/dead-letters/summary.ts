import { matches, type LetterFilter } from './filter.ts'
import { letterIdText } from './letter-id.ts'
import type { ParkedLetter } from './letters.ts'
import type { LetterStatus } from './status.ts'

/** Letters that failed alike. */
export interface LetterGroup {
  readonly topic: string
  readonly step: string
  readonly code: string
  readonly count: number
  /** When the first and the last were parked, ISO 8601; empty where the letters do not say. */
  readonly first: string
  readonly last: string
}

/** A letter without its bytes. */
export interface LetterHeadline {
  readonly id: string
  readonly source: { readonly topic: string; readonly partition: number; readonly offset: number }
  readonly step: string
  readonly code: string
  readonly message: string
  readonly parkedAt: string
  readonly retries: number
  readonly status: LetterStatus | undefined
}

export interface LetterSummary {
  readonly groups: readonly LetterGroup[]
  /** The newest of those that match, newest first. */
  readonly letters: readonly LetterHeadline[]
  readonly matching: number
  /** Of all letters, whatever the filter says. */
  readonly open: number
  readonly retried: number
  readonly dropped: number
}

const headlineOf = ({ id, letter, status }: ParkedLetter): LetterHeadline => ({
  id: letterIdText(id),
  source: letter.source,
  step: letter.step,
  code: letter.code,
  message: letter.message,
  parkedAt: letter.parkedAt,
  retries: letter.retries,
  status,
})

const newestFirst = (one: LetterHeadline, other: LetterHeadline): number =>
  one.parkedAt === other.parkedAt ? 0 : one.parkedAt < other.parkedAt ? 1 : -1

/** Counts all letters and keeps the newest `limit` of those that match; bytes of none are held. */
export const summarise = async (
  letters: AsyncIterable<ParkedLetter>,
  filter: LetterFilter,
  limit: number,
): Promise<LetterSummary> => {
  const groups = new Map<string, LetterGroup>()
  const totals = { open: 0, retried: 0, dropped: 0 }
  let newest: LetterHeadline[] = []
  let matching = 0
  for await (const parked of letters) {
    totals[parked.status?.state ?? 'open']++
    if (!matches(parked, filter)) continue
    matching++
    const headline = headlineOf(parked)
    addTo(groups, headline)
    newest.push(headline)
    if (newest.length > 2 * limit + 1_000) newest = newest.toSorted(newestFirst).slice(0, limit)
  }
  return {
    groups: [...groups.values()].toSorted((one, other) => other.count - one.count),
    letters: newest.toSorted(newestFirst).slice(0, limit),
    matching,
    ...totals,
  }
}

const addTo = (groups: Map<string, LetterGroup>, { source, step, code, parkedAt }: LetterHeadline): void => {
  const name = JSON.stringify([source.topic, step, code])
  const known = groups.get(name)
  groups.set(name, {
    topic: source.topic,
    step,
    code,
    count: (known?.count ?? 0) + 1,
    first: known === undefined || parkedAt < known.first ? parkedAt : known.first,
    last: known === undefined || parkedAt > known.last ? parkedAt : known.last,
  })
}
