import { isUtf8 } from 'node:buffer'
import { messageOf } from '../../core/errors.ts'
import { defaultLimits } from '../../codec/limits.ts'
import type { SchemaRegistry } from '../../codec/registry.ts'
import { parseSchema } from '../../codec/schema.ts'
import { prefixLength } from '../../codec/wire-format.ts'

const longestDump = 512

/** A key or value of a dead letter as far as it can be understood. */
export interface ShownBytes {
  readonly bytes: number
  /** Of the registry's wire format, where it begins like that. */
  readonly schemaId?: number
  /** Decoded with the schema it was written with. */
  readonly value?: unknown
  /** Why it was not decoded. */
  readonly why?: string
  /** As text, where it is UTF-8 without control characters, else as hex; at most 512 characters of text or 256 bytes of hex. */
  readonly text?: string
  readonly hex?: string
}

// Tab and line ends are text; all else below the blank is not.
// eslint-disable-next-line no-control-regex
const controlCharacter = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/

const dumped = (bytes: Buffer): Pick<ShownBytes, 'text' | 'hex'> => {
  const text = isUtf8(bytes) ? bytes.toString('utf8') : undefined
  if (text === undefined || controlCharacter.test(text))
    return { hex: shortened(bytes.subarray(0, longestDump).toString('hex'), bytes.length * 2) }
  return { text: shortened(text.slice(0, longestDump), text.length) }
}

const shortened = (text: string, length: number): string => {
  const kept = text.slice(0, longestDump)
  return kept.length < length ? `${kept}…` : kept
}

/**
 * Decodes bytes with the schema whose id they bear, under the limits that decoding always has; whatever fails is told, not thrown,
 * since a dead letter is looked at because something is wrong with it.
 *
 * @example (await shownBytes(letter.value, registry))?.value
 */
export const shownBytes = async (
  bytes: Buffer | null,
  registry: SchemaRegistry,
): Promise<ShownBytes | null> => {
  if (bytes === null) return null
  const size = { bytes: bytes.length }
  if (bytes.length < prefixLength || bytes[0] !== 0) return { ...size, ...dumped(bytes) }
  const schemaId = bytes.readUInt32BE(1)
  try {
    if (bytes.length > defaultLimits.maxValueBytes)
      throw new Error(`more than the ${defaultLimits.maxValueBytes} bytes that are decoded`)
    const { type, prescan } = parseSchema(await registry.schemaById(schemaId), defaultLimits)
    prescan(bytes, prefixLength)
    return { ...size, schemaId, value: type.fromBuffer(bytes.subarray(prefixLength)) as unknown }
  } catch (error) {
    return { ...size, schemaId, why: messageOf(error), ...dumped(bytes) }
  }
}
