import avsc from 'avsc'
import type { types } from 'avsc'
import { malformed, refusedSchema } from './limits.ts'
import type { CodecLimits } from './limits.ts'

/** Where a scan stands; one object per type, reused, since decoding is synchronous. */
interface Cursor {
  bytes: Buffer
  position: number
  items: number
  depth: number
}

type Walk = (cursor: Cursor) => void

/** Walks over a value without building it; throws `SLUICE_CODEC_MALFORMED` for whatever a decoder should not see. */
export type Prescan = (bytes: Buffer, start: number) => void

const forbiddenKey = Buffer.from('__proto__')

const readLength = (cursor: Cursor): number => {
  const length = readVarint(cursor)
  if (length < 0 || length > cursor.bytes.length - cursor.position)
    throw malformed(`a length of ${length} bytes does not fit`)
  return length
}

const readVarint = (cursor: Cursor): number => {
  const { bytes } = cursor
  let position = cursor.position
  let byte = bytes[position++]
  if (byte === undefined) throw malformed('it is truncated')
  if (byte < 0x80) {
    cursor.position = position
    return (byte >>> 1) ^ -(byte & 1)
  }
  let value = byte & 0x7f
  let factor = 128
  for (let count = 1; ; count += 1) {
    byte = bytes[position++]
    if (byte === undefined) throw malformed('it is truncated')
    if (count === 9 && byte > 1) throw malformed('a number is longer than 64 bits')
    value += (byte & 0x7f) * factor
    if (byte < 0x80) break
    factor *= 128
  }
  cursor.position = position
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2
}

const skipBytes =
  (length: number): Walk =>
  cursor => {
    if (length > cursor.bytes.length - cursor.position) throw malformed('it is truncated')
    cursor.position += length
  }

const skipNumber: Walk = cursor => {
  readVarint(cursor)
}

/** A negative number of which no more than 53 bits were read has lost its last bit, and with it its sign. */
const skipNumberLong: Walk = cursor => {
  const isNegative = ((cursor.bytes[cursor.position] ?? 0) & 1) === 1
  if (readVarint(cursor) >= 0 && isNegative) throw malformed('a number is below -(2^52)')
}

const skipInt: Walk = cursor => {
  const value = readVarint(cursor)
  if (value > 2_147_483_647 || value < -2_147_483_648) throw malformed(`${value} is no 32-bit integer`)
}

const skipBoolean: Walk = cursor => {
  const byte = cursor.bytes[cursor.position++]
  if (byte === undefined) throw malformed('it is truncated')
  if (byte > 1) throw malformed(`${byte} is no boolean`)
}

const skipText: Walk = cursor => {
  const length = readLength(cursor)
  cursor.position += length
}

const skipKey: Walk = cursor => {
  const length = readLength(cursor)
  const key = cursor.bytes.subarray(cursor.position, cursor.position + length)
  if (key.equals(forbiddenKey)) throw malformed('a map has the key __proto__')
  cursor.position += length
}

const nothing: Walk = () => {}

const blocks =
  (item: Walk, limits: CodecLimits): Walk =>
  cursor => {
    for (;;) {
      let count = readVarint(cursor)
      if (count === 0) return
      if (count < 0) {
        count = -count
        readLength(cursor)
      }
      // Every item takes a byte at least (schemas where it might not are refused), so that more cannot be there.
      if (count > cursor.bytes.length - cursor.position)
        throw malformed(`a block of ${count} items does not fit`)
      cursor.items += count
      if (cursor.items > limits.maxItems) throw malformed(`it has more than ${limits.maxItems} items`)
      for (let done = 0; done < count; done += 1) item(cursor)
    }
  }

/** Smallest number of bytes a value of the type can take; a type within itself counts as one. */
const leastBytes = (type: avsc.Type, open: ReadonlySet<avsc.Type> = new Set()): number => {
  if (open.has(type)) return 1
  const within = new Set(open).add(type)
  switch (type.typeName) {
    case 'null':
      return 0
    case 'fixed':
      return (type as types.FixedType).size
    case 'record':
    case 'error':
      return (type as types.RecordType).fields.reduce((sum, field) => sum + leastBytes(field.type, within), 0)
    default:
      return 1
  }
}

/**
 * Compiles the walk for one writer's type.
 *
 * Errors: `SLUICE_CODEC_SCHEMA_REFUSED` for arrays and maps of items that take no bytes (five bytes would decode to
 * millions of them) and for fields named `__proto__`.
 */
export const prescanOf = (type: avsc.Type, limits: CodecLimits): Prescan => {
  const known = new Map<avsc.Type, { walk: Walk }>()

  const walkOf = (type: avsc.Type): Walk => {
    switch (type.typeName) {
      case 'null':
        return nothing
      case 'boolean':
        return skipBoolean
      case 'int':
        return skipInt
      case 'long':
        return skipNumberLong
      case 'abstract:long':
        return skipNumber
      case 'float':
        return skipBytes(4)
      case 'double':
        return skipBytes(8)
      case 'string':
      case 'bytes':
        return skipText
      case 'fixed':
        return skipBytes((type as types.FixedType).size)
      case 'enum':
        return choice((type as types.EnumType).symbols.map(() => nothing))
      case 'array':
        return blocks(itemWalk((type as types.ArrayType).itemsType), limits)
      case 'map': {
        const value = walkOf((type as types.MapType).valuesType as avsc.Type)
        return blocks(cursor => {
          skipKey(cursor)
          value(cursor)
        }, limits)
      }
      case 'union:unwrapped':
      case 'union:wrapped':
        return choice((type as types.UnwrappedUnionType).types.map(branch => walkOf(branch)))
      case 'record':
      case 'error':
        return recordWalk(type as types.RecordType)
      default:
        throw refusedSchema(`type ${type.typeName} is not supported`)
    }
  }

  const itemWalk = (item: avsc.Type): Walk => {
    if (leastBytes(item) === 0) throw refusedSchema('an array of items that take no bytes')
    return walkOf(item)
  }

  const choice =
    (walks: readonly Walk[]): Walk =>
    cursor => {
      const index = readVarint(cursor)
      const walk = walks[index]
      if (walk === undefined) throw malformed(`branch or symbol ${index} does not exist`)
      walk(cursor)
    }

  const recordWalk = (record: types.RecordType): Walk => {
    const earlier = known.get(record)
    if (earlier !== undefined) return cursor => earlier.walk(cursor)
    const entry = { walk: nothing }
    known.set(record, entry)
    if (record.fields.some(field => field.name === '__proto__'))
      throw refusedSchema('a field is named __proto__')
    const walks = record.fields.map(field => walkOf(field.type))
    entry.walk = cursor => {
      if (++cursor.depth > limits.maxDepth)
        throw malformed(`it is nested deeper than ${limits.maxDepth} records`)
      for (const walk of walks) walk(cursor)
      cursor.depth -= 1
    }
    return entry.walk
  }

  const walk = walkOf(type)
  const cursor: Cursor = { bytes: Buffer.alloc(0), position: 0, items: 0, depth: 0 }
  return (bytes, start) => {
    cursor.bytes = bytes
    cursor.position = start
    cursor.items = 0
    cursor.depth = 0
    walk(cursor)
    if (cursor.position !== bytes.length) throw malformed(`${bytes.length - cursor.position} bytes follow it`)
  }
}
