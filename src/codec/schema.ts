import avsc from 'avsc'
import { messageOf } from '../core/errors.ts'
import { bigintHook, markNanoseconds } from './bigint-long.ts'
import { exactBranchHook, markExactBranches } from './exact-branch.ts'
import { refusedSchema } from './limits.ts'
import type { CodecLimits } from './limits.ts'
import { numberLongHook } from './number-long.ts'
import { prescanOf } from './prescan.ts'
import type { Prescan } from './prescan.ts'

/** A schema made ready for encoding and decoding. */
export interface ParsedSchema {
  readonly type: avsc.Type
  readonly prescan: Prescan
}

/**
 * Parses a schema: unions plain (`["null","string"]` is `null | string`), logical types ignored, `*_ns` fields bigints.
 *
 * Errors: `SLUICE_CODEC_SCHEMA_REFUSED` for what does not parse, is too large, or is dangerous to decode with.
 */
export const parseSchema = (schemaJson: string, limits: CodecLimits): ParsedSchema => {
  if (schemaJson.length > limits.maxSchemaBytes) throw refusedSchema(`it has ${schemaJson.length} bytes`)
  const type = typeOf(schemaJson)
  return { type, prescan: prescanOf(type, limits) }
}

const typeOf = (schemaJson: string): avsc.Type => {
  try {
    const schema = markExactBranches(markNanoseconds(JSON.parse(schemaJson))) as avsc.Schema
    return avsc.Type.forSchema(schema, {
      wrapUnions: 'never',
      logicalTypes: {},
      omitRecordMethods: true,
      typeHook: schema => bigintHook(schema) ?? exactBranchHook(schema) ?? numberLongHook(schema),
    })
  } catch (error) {
    throw refusedSchema(messageOf(error), error)
  }
}
