// What moves a cursor, changes colours, rings, or turns the direction of writing: C0, DEL, C1, line and direction marks.
const unsafe =
  // oxlint-disable-next-line no-control-regex -- these are the characters that are looked for
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g

/**
 * Text of unknown origin as a terminal may show it: control characters become `\uXXXX`, which within JSON means the same.
 *
 * @example escapeControls('a\u001b[2J') // 'a\\u001b[2J'
 */
export const escapeControls = (text: string): string =>
  text.replaceAll(unsafe, char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** JSON in one line, safe to print; bigints as strings, bytes as hex. */
export const jsonLine = (value: unknown): string => escapeControls(JSON.stringify(plainOf(value)) ?? 'null')

/** A decoded value with nothing in it that JSON does not know: bigints become strings, bytes `0x…`. */
export const plainOf = (value: unknown): unknown => {
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Uint8Array) return `0x${Buffer.from(value).toString('hex')}`
  if (Array.isArray(value)) return value.map(plainOf)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plainOf(field)]))
}
