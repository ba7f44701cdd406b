import type { Level, Move } from './book.ts'
import type { BookContents } from './read-book.ts'

const levelsOf = (moves: readonly Move[]): Map<string, Level> => {
  const levels = new Map<string, Level>()
  for (const { sku, number } of moves) {
    const { count, sum } = levels.get(sku) ?? { count: 0, sum: 0 }
    levels.set(sku, { count: count + 1, sum: sum + number })
  }
  return levels
}

/**
 * What is wrong with a book, in words; none when every move was entered exactly once, in its client's order, and store and tables
 * equal a recount. Pure.
 */
export const judgeBook = (moves: readonly Move[], contents: BookContents): readonly string[] => {
  const faults: string[] = []
  const levels = levelsOf(moves)
  const seen = new Map<string, number>()
  const versions = new Map<string, number>()
  const last = new Map<string, number>()
  for (const { eventId, sku, version, reserved: number, reason: client } of contents.updates) {
    seen.set(eventId, (seen.get(eventId) ?? 0) + 1)
    const before = versions.get(sku) ?? 0
    if (version !== before + 1) faults.push(`${sku}: version ${version} follows ${before}`)
    versions.set(sku, version)
    const place = `${sku} of ${client}`
    const earlier = last.get(place) ?? 0
    if (number <= earlier) faults.push(`${place}: move ${number} follows ${earlier}`)
    last.set(place, number)
  }
  const doubled = [...seen].filter(([, times]) => times > 1).length
  const lost = moves.filter(({ eventId }) => !seen.has(eventId)).length
  const alien = seen.size - (moves.length - lost)
  for (const [what, count] of Object.entries({ doubled, lost, 'from nowhere': alien }))
    if (count !== 0) faults.push(`${count} moves ${what}`)
  for (const [sku, { count, sum }] of levels) {
    const parts = { changelog: contents.levels.get(sku), stock_state: contents.states.get(sku) }
    for (const [part, found] of Object.entries(parts))
      if (found?.count !== count || found.sum !== sum)
        faults.push(`${sku} in ${part}: ${found?.count} moves of sum ${found?.sum}, not ${count} of ${sum}`)
    const rows = contents.history.get(sku)
    if (rows !== count) faults.push(`${sku} in stock_update: ${rows} rows, not ${count}`)
  }
  return faults
}
