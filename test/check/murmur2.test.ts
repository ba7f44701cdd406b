import { compatibilityPartitioner, murmur2 as librarysMurmur2 } from '@platformatic/kafka'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { murmur2, partitionOf } from '../../src/check/murmur2.ts'

test('gives the hashes of Kafka’s own test of its partitioner', () => {
  const known: readonly (readonly [string, number])[] = [
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ]
  for (const [key, hash] of known) expect(murmur2(Buffer.from(key)) | 0).toBe(hash)
})

test('agrees with an independent implementation on any key', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), bytes => {
      const key = Buffer.from(bytes)
      expect(murmur2(key) | 0).toBe(librarysMurmur2(key) | 0)
    }),
  )
})

test('the partition is that of Java’s default partitioner', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.constantFrom('TÜR 1', '商品', '🫖')),
      fc.integer({ min: 1, max: 100 }),
      (key, count) => {
        const theirs = compatibilityPartitioner({ topic: 't', value: Buffer.alloc(0) }, Buffer.from(key))
        expect(partitionOf(key, count)).toBe(theirs % count)
      },
    ),
  )
})
