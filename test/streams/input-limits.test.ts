import { describe, expect, test } from 'vitest'
import type { ConsumedRecord, LogReader, OffsetPosition, TopicPartition } from '../../src/kafka/types.ts'
import { limitedReader } from '../../src/streams/runtime/input-limits.ts'

const place = (partition: number): TopicPartition => ({ topic: 't', partition })

/** Two partitions of `count` records; gives them one partition after the other. */
const memoryReader = (count: number, timeOf = (_partition: number, _offset: number): number => 0) => {
  const at = new Map<number, number>()
  const paused = new Set<number>()
  const reader: LogReader = {
    assign: positions => {
      at.clear()
      reader.add(positions)
    },
    add: positions => positions.forEach(({ partition, offset }) => at.set(partition, offset)),
    remove: partitions => partitions.forEach(({ partition }) => at.delete(partition)),
    pause: partitions => partitions.forEach(({ partition }) => paused.add(partition)),
    resume: partitions => partitions.forEach(({ partition }) => paused.delete(partition)),
    poll: async maxRecords => {
      const records: ConsumedRecord[] = []
      for (const [partition, offset] of at) {
        if (paused.has(partition)) continue
        const end = Math.min(count, offset + maxRecords - records.length)
        for (let next = offset; next < end; next++)
          records.push({
            ...place(partition),
            offset: next,
            timestamp: timeOf(partition, next),
            key: null,
            value: null,
            headers: [],
          })
        at.set(partition, end)
      }
      return records
    },
    position: ({ partition }) => at.get(partition),
    endOffset: () => count,
    close: async () => {},
  }
  return { reader, paused }
}

const virtualClock = () => {
  let nowMs = 0
  return { now: () => nowMs, sleep: async (durationMs: number) => void (nowMs += Math.max(1, durationMs)) }
}

const ends: OffsetPosition[] = [
  { ...place(0), offset: 40 },
  { ...place(1), offset: 70 },
]

describe('a limited reader', () => {
  test('without limits is the reader itself', () => {
    const { reader } = memoryReader(1)
    expect(limitedReader(reader, {}, virtualClock())).toBe(reader)
  })

  test('gives all before the ends, nothing behind them, and stands there', async () => {
    const { reader, paused } = memoryReader(100)
    const limited = limitedReader(reader, { ends }, virtualClock())
    limited.assign([
      { ...place(0), offset: 0 },
      { ...place(1), offset: 10 },
    ])
    const seen: ConsumedRecord[] = []
    for (let polls = 0; polls < 20; polls++) seen.push(...(await limited.poll(30, 0)))
    expect(seen.filter(({ partition }) => partition === 0).map(({ offset }) => offset)).toEqual(
      Array.from({ length: 40 }, (_, offset) => offset),
    )
    expect(seen.filter(({ partition }) => partition === 1)).toHaveLength(60)
    expect(limited.position(place(0))).toBe(40)
    expect(limited.position(place(1))).toBe(70)
    expect(paused).toEqual(new Set([0, 1]))
  })

  test('never goes back to an end that was passed before', async () => {
    const { reader } = memoryReader(100)
    const limited = limitedReader(reader, { ends }, virtualClock())
    limited.assign([{ ...place(0), offset: 55 }])
    expect(await limited.poll(10, 0)).toEqual([])
    expect(limited.position(place(0))).toBe(55)
  })

  test('reads no faster than it may, and no slower', async () => {
    const clock = virtualClock()
    const { reader } = memoryReader(1_000_000)
    const limited = limitedReader(reader, { maxRecordsPerSecond: 500 }, clock)
    limited.assign([{ ...place(0), offset: 0 }])
    let count = 0
    while (clock.now() < 10_000) {
      count += (await limited.poll(1_000, 100)).length
      await clock.sleep(7)
    }
    expect(count).toBeGreaterThan(4_800)
    expect(count).toBeLessThanOrEqual(5_000)
  })

  test('aligned in time merges partitions, and holds back what is not to be given yet', async () => {
    const { reader } = memoryReader(3_000, (partition, offset) => offset * (partition === 0 ? 3 : 1))
    const bounds = [0, 1].map(partition => ({ ...place(partition), offset: 3_000 }))
    const limited = limitedReader(reader, { ends: bounds, isTimeAligned: true }, virtualClock())
    limited.assign([{ ...place(0), offset: 0 }])
    expect(await limited.poll(500, 0)).toEqual([])
    expect(limited.position(place(0))).toBe(0)
    limited.add([{ ...place(1), offset: 0 }])
    const seen: ConsumedRecord[] = []
    for (let polls = 0; polls < 60; polls++) {
      seen.push(...(await limited.poll(500, 0)))
      const next = seen.filter(({ partition }) => partition === 0).length
      expect(limited.position(place(0))).toBe(next)
    }
    expect(seen).toHaveLength(6_000)
    const times = seen.map(({ timestamp }) => timestamp)
    expect(times).toEqual(times.toSorted((one, other) => one - other))
  })
})
