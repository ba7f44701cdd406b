import { expect, test } from 'vitest'
import { isCommitMarker, TransactionResolver } from '../../src/check/log/transactions.ts'

const transactional = (producerId: bigint) => ({ attributes: 0x10, producerId })

test('records of interleaved transactions come out by the marker of their producer', () => {
  const resolver = new TransactionResolver<string>()
  resolver.add(transactional(1n), ['a1'])
  resolver.add(transactional(2n), ['b1'])
  resolver.add({ attributes: 0, producerId: -1n }, ['plain'])
  resolver.add(transactional(1n), ['a2'])
  resolver.mark(2n, false)
  resolver.mark(1n, true)
  expect(resolver.committed).toEqual(['plain', 'a1', 'a2'])
  expect(resolver.aborted).toEqual(['b1'])
  expect(resolver.undecidedCount()).toBe(0)
})

test('a producer’s next transaction is decided apart from its last', () => {
  const resolver = new TransactionResolver<string>()
  resolver.add(transactional(1n), ['first'])
  resolver.mark(1n, false)
  resolver.add(transactional(1n), ['second'])
  resolver.mark(1n, true)
  resolver.add(transactional(1n), ['third'])
  expect(resolver.aborted).toEqual(['first'])
  expect(resolver.committed).toEqual(['second'])
  expect(resolver.undecidedCount()).toBe(1)
})

test('a marker with no record before it decides nothing', () => {
  const resolver = new TransactionResolver<string>()
  resolver.mark(7n, true)
  expect(resolver.committed).toEqual([])
})

test('the key of a control record says which marker it is', () => {
  expect(isCommitMarker(Buffer.from([0, 0, 0, 1]))).toBe(true)
  expect(isCommitMarker(Buffer.from([0, 0, 0, 0]))).toBe(false)
  expect(isCommitMarker(Buffer.from([0, 0, 0, 2]))).toBeUndefined()
  expect(isCommitMarker(null)).toBeUndefined()
})
