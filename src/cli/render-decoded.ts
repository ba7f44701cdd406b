import { escapeControls, jsonLine } from '../streams/inspect/values/escape.ts'
import type { Decoded } from '../streams/inspect/values/value-decoder.ts'

const longestShown = 4_000

/** A value in one line, safe for a terminal; what is very long is cut. */
export const renderDecoded = (decoded: Decoded): string => {
  switch (decoded.kind) {
    case 'none':
      return '(no value)'
    case 'avro':
      return cut(jsonLine(decoded.value))
    case 'text':
      return cut(escapeControls(decoded.value))
    case 'hex':
      return `0x${cut(decoded.hex)}  (${escapeControls(decoded.reason)})`
  }
}

const cut = (text: string): string =>
  text.length <= longestShown
    ? text
    : `${text.slice(0, longestShown)}… (${text.length - longestShown} more; --json has all)`

/** A decoded value as a field of a JSON result. */
export const jsonOf = (decoded: Decoded): unknown => {
  switch (decoded.kind) {
    case 'none':
      return null
    case 'hex':
      return { hex: decoded.hex, undecodable: decoded.reason }
    default:
      return decoded.value
  }
}

/** A time as UTC, e.g. 2026-11-26T01:22:58.364Z. */
export const renderTime = (timestampMs: number): string => {
  const date = new Date(timestampMs)
  // Whoever wrote a record may have given it any time.
  return Number.isNaN(date.getTime()) ? String(timestampMs) : date.toISOString()
}
