/** Whole numbers with thin grouping, e.g. 308,278. */
export const formatCount = (count: number): string => Math.round(count).toLocaleString('en-US')

/** Minor units as money without a currency, e.g. 1869 → 18.69. */
export const formatMinor = (minor: number): string => {
  const digits = String(Math.abs(minor)).padStart(3, '0')
  const major = Number(digits.slice(0, -2)).toLocaleString('en-US')
  return `${minor < 0 ? '-' : ''}${major}.${digits.slice(-2)}`
}

/** A duration as people say it: 850 ms, 12.3 s, 4 min 5 s. */
export const formatDuration = (durationMs: number): string => {
  if (durationMs < 1_000) return `${Math.round(durationMs)} ms`
  if (durationMs < 60_000) return `${(durationMs / 1_000).toFixed(1)} s`
  const seconds = Math.round(durationMs / 1_000)
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

/** A tally in words, largest first: `price not positive 874, quantity not positive 925`. */
export const formatTally = (tally: Readonly<Record<string, number>>): string =>
  Object.entries(tally)
    .sort(([, left], [, right]) => right - left)
    .map(([reason, count]) => `${reason} ${formatCount(count)}`)
    .join(', ')
