import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../src/kafka/consumer-protocol.ts'

const topic = fc.stringMatching(/^[a-z.-]{1,20}$/)
const userData = fc.uint8Array({ maxLength: 50 }).map(array => Buffer.from(array))

describe('consumer protocol', () => {
  it('gives back topics and user data of a subscription', () => {
    fc.assert(
      fc.property(fc.array(topic), userData, (topics, data) => {
        expect(decodeSubscription(encodeSubscription({ topics, userData: data }))).toEqual({
          topics,
          userData: data,
        })
      }),
    )
  })

  it('gives back the partitions of an assignment, grouped by topic', () => {
    const partition = fc.record({ topic: fc.constantFrom('a', 'b', 'c'), partition: fc.nat(1000) })
    fc.assert(
      fc.property(fc.array(partition), userData, (partitions, data) => {
        const read = decodeAssignment(encodeAssignment({ partitions, userData: data }))
        expect(read.userData).toEqual(data)
        expect(read.partitions).toEqual([...Map.groupBy(partitions, of => of.topic).values()].flat())
      }),
    )
  })

  it('takes an empty assignment for nothing at all', () => {
    expect(decodeAssignment(Buffer.alloc(0)).partitions).toEqual([])
  })
})
