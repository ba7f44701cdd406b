import { createHash } from 'node:crypto'

/** JSON with sorted keys and without undefined members: equal values give equal text. */
const canonicalJson = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`)
  return `{${members.join(',')}}`
}

/**
 * Tells whether two requests under one Idempotency-Key are the same. Takes validated input only: its depth is bounded.
 *
 * @example fingerprintOf('POST /orders', body) // 64 hexadecimal digits
 */
export const fingerprintOf = (operation: string, request: unknown): string =>
  createHash('sha256').update(operation).update('\0').update(canonicalJson(request)).digest('hex')
