import avsc from 'avsc'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { AvroCodecs } from '../../src/codec/avro-codecs.ts'
import { avro } from '../../src/codec/avro.ts'
import { unreadable } from '../../src/codec/compatibility.ts'
import { memorySchemaRegistry } from '../../src/codec/memory-registry.ts'
import { nextOf, recordOf, valueOf, type Schema } from './support/evolving-schemas.ts'
import { readAs } from './support/read-as.ts'

// Random schemas of all kinds, the next version of each, and values of both: what is written by one version and read by the other.

const versions = recordOf('', 2).chain(older => fc.tuple(fc.constant(older), nextOf(older, '')))

/** Codecs that know one schema and can load the other, in two registries' worth of subjects: nothing is enforced here. */
const codecsOf = async (...schemas: readonly Schema[]) => {
  const registry = memorySchemaRegistry()
  return Promise.all(
    schemas.map(async (schema, index) => {
      const codecs = new AvroCodecs(registry)
      const type = avro(`s${index}-value`, schema as object)
      await codecs.prepare([type])
      return { codecs, serde: codecs.serde(type) }
    }),
  )
}

const plain = (schema: Schema): avsc.Type =>
  avsc.Type.forSchema(structuredClone(schema) as avsc.Schema, { wrapUnions: 'never', logicalTypes: {} })

test(
  'what is written by one version is read by the other as the specification has it',
  { timeout: 120_000 },
  async () => {
    let compatible = 0
    await fc.assert(
      fc.asyncProperty(
        versions.chain(([older, newer]) =>
          fc.tuple(fc.constant([older, newer] as const), valueOf(older), valueOf(newer)),
        ),
        async ([[older, newer], oldValue, newValue]) => {
          const [first, second] = await codecsOf(older, newer)
          if (first === undefined || second === undefined) throw new Error('two codecs are made')
          expect(first.serde.decode(first.serde.encode(oldValue))).toEqual(oldValue)
          for (const [from, to, writer, reader, value] of [
            [first, second, older, newer, oldValue],
            [second, first, newer, older, newValue],
          ] as const) {
            if (unreadable(reader, writer).length > 0) continue
            compatible += 1
            const bytes = from.serde.encode(value)
            await to.codecs.load(to.codecs.missingIds([bytes]))
            expect(to.serde.decode(bytes)).toEqual(readAs(reader, writer, value))
          }
        },
      ),
      { numRuns: 150 },
    )
    // Else little would have been shown.
    expect(compatible).toBeGreaterThan(120)
  },
)

test('what our rules allow is exactly what the library can read', { timeout: 60_000 }, () => {
  const verdicts = { readable: 0, unreadable: 0 }
  fc.assert(
    fc.property(versions, ([older, newer]) => {
      for (const [reader, writer] of [
        [newer, older],
        [older, newer],
      ] as const) {
        const allowed = unreadable(reader, writer).length === 0
        verdicts[allowed ? 'readable' : 'unreadable'] += 1
        let isRead = true
        try {
          plain(reader).createResolver(plain(writer), { ignoreNamespaces: true })
        } catch {
          isRead = false
        }
        expect(isRead).toBe(allowed)
      }
    }),
    { numRuns: 200 },
  )
  expect(Math.min(verdicts.readable, verdicts.unreadable)).toBeGreaterThan(20)
})

test('a union of text and bytes keeps both apart, whichever comes first and whoever wrote it', async () => {
  const of = (type: Schema, ...more: object[]): Schema => ({
    type: 'record',
    name: 'R',
    fields: [{ name: 'a', type }, ...more],
  })
  const [writer, ...readers] = await codecsOf(
    of(['null', 'string', 'bytes']),
    of(['null', 'bytes', 'string']),
    of(['null', 'string', 'bytes'], {
      name: 'kind',
      type: { type: 'enum', name: 'K', symbols: ['string', 'bytes'], default: 'bytes' },
      default: 'string',
    }),
  )
  for (const a of [null, 'ä', Buffer.from([0xff, 0xfe])]) {
    const bytes = writer?.serde.encode({ a })
    for (const reader of readers) {
      await reader.codecs.load(reader.codecs.missingIds([bytes ?? null]))
      expect(reader.serde.decode(bytes as Buffer)).toMatchObject({ a })
    }
  }
})

test('a long that the library would give another sign is refused, written or read', async () => {
  const schema = { type: 'record', name: 'R', fields: [{ name: 'n', type: 'long' }] }
  const [codec] = await codecsOf(schema)
  const of = (n: number): Buffer => codec?.serde.encode({ n }) ?? Buffer.alloc(0)
  for (const n of [-(2 ** 52), 2 ** 53 - 2]) expect(codec?.serde.decode(of(n))).toEqual({ n })
  expect(() => of(-(2 ** 52) - 1)).toThrow(expect.objectContaining({ code: 'SLUICE_CODEC_INVALID_VALUE' }))
  // -(2^52) - 1, as Java writes it.
  const foreign = Buffer.concat([of(0).subarray(0, 5), Buffer.from('8180808080808010', 'hex')])
  expect(() => codec?.serde.decode(foreign)).toThrow(/below -\(2\^52\)/)
})
