import * as fc from 'fast-check'
import { Writer } from '@platformatic/kafka'
import { describe, expect, it } from 'vitest'
import {
  ByteReader,
  readSafeInt64,
  sizeOfVarint,
  writeSafeInt64,
  writeVarint,
} from '../../src/kafka/bytes.ts'

const safe = fc.maxSafeInteger()

describe('bytes', () => {
  it('read back every safe integer as varlong, in the size that was counted', () => {
    fc.assert(
      fc.property(safe, value => {
        // Zigzag doubles a number; beyond half the safe range it would lose a bit, and no time or delta comes near.
        const small = Math.floor(value / 2)
        const buffer = Buffer.alloc(10)
        const end = writeVarint(buffer, 0, small)
        expect(end).toBe(sizeOfVarint(small))
        const reader = new ByteReader(buffer)
        expect(reader.varlong()).toBe(small)
        expect(reader.position).toBe(end)
      }),
    )
  })

  it('read what the client writes', () => {
    fc.assert(
      // The client's own varlongs are wrong beyond 32 bits: such time spans in one batch it corrupts.
      fc.property(fc.integer(), safe, fc.nat(), (int, long, unsigned) => {
        const writer = Writer.create()
          .appendVarInt(int)
          .appendVarInt64(BigInt(int))
          .appendUnsignedVarInt(unsigned)
          .appendInt64(BigInt(long))
        const reader = new ByteReader(writer.buffer)
        expect(reader.varint()).toBe(int)
        expect(reader.varlong()).toBe(int)
        expect(reader.unsignedVarint()).toBe(unsigned)
        expect(reader.int64()).toBe(long)
      }),
    )
  })

  it('write and read 64-bit integers', () => {
    fc.assert(
      fc.property(safe, value => {
        const buffer = Buffer.alloc(8)
        writeSafeInt64(buffer, 0, value)
        expect(readSafeInt64(buffer, 0)).toBe(value)
        expect(buffer.readBigInt64BE(0)).toBe(BigInt(value))
      }),
    )
  })

  it('skip tagged fields of any number and size', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }), fields => {
        const writer = Writer.create().appendUnsignedVarInt(fields.length)
        fields.forEach((field, tag) => {
          writer.appendUnsignedVarInt(tag).appendUnsignedVarInt(field.length)
          if (field.length > 0) writer.append(Buffer.from(field))
        })
        const reader = new ByteReader(writer.appendInt32(4711).buffer)
        reader.skipTaggedFields()
        expect(reader.int32()).toBe(4711)
      }),
    )
  })
})
