import { SluiceError } from '../core/errors.ts'

/** What a value may be before it is decoded; the defaults suit records that Kafka takes (1 MiB). */
export interface CodecLimits {
  /** Bytes of one value, prefix included. */
  readonly maxValueBytes: number
  /** Items of all arrays and maps of one value together. */
  readonly maxItems: number
  /** Records within records of one value. */
  readonly maxDepth: number
  /** Bytes of one schema's JSON. */
  readonly maxSchemaBytes: number
}

export const defaultLimits: CodecLimits = {
  maxValueBytes: 1_048_576,
  maxItems: 262_144,
  maxDepth: 64,
  maxSchemaBytes: 262_144,
}

/** A value that breaks a limit or its own schema; nothing of it was decoded. */
export const malformed = (
  what: string,
  details: Readonly<Record<string, unknown>> = {},
  cause?: unknown,
): SluiceError =>
  new SluiceError({
    code: 'SLUICE_CODEC_MALFORMED',
    message: `a value cannot be decoded: ${what}`,
    remedy:
      'the record is damaged or was written with another schema: skip it or send it to the dead-letter topic',
    details,
    cause,
  })

/** A schema that could make a decoder run away, or shadow an object's prototype. */
export const refusedSchema = (what: string, cause?: unknown): SluiceError =>
  new SluiceError({
    code: 'SLUICE_CODEC_SCHEMA_REFUSED',
    message: `a schema was refused: ${what}`,
    remedy: 'change the schema; see docs/errors.md for what is refused and why',
    cause,
  })
