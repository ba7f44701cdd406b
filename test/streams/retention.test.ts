import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { retentionBuckets } from '../../src/streams/state/retention.ts'
import { TaskStore, type Entry } from '../../src/streams/state/task-store.ts'

interface Value {
  readonly ended: boolean
  readonly number: number
}
interface Write {
  readonly key: string
  readonly timestamp: number
  /** Undefined deletes. */
  readonly value: Value | undefined
}

const retentionMs = 256
const rule = { retentionMs, isEnded: (value: unknown) => (value as Value).ended }
const { bucketOf, horizonOf } = retentionBuckets(retentionMs)

/** The changelog after compaction: the last record of each key, in the order of their offsets. */
const compacted = (log: readonly Entry[]): Entry[] => {
  const last = new Map<unknown, Entry>()
  for (const entry of log) {
    last.delete(entry.key)
    last.set(entry.key, entry)
  }
  return [...last.values()]
}

const byKey = (one: Entry, other: Entry): number => (String(one.key) < String(other.key) ? -1 : 1)
const liveOf = (entries: Iterable<Entry>): Entry[] =>
  [...entries].filter(({ value }) => value !== undefined).sort(byKey)

/** The rule in the simplest words: all entries looked at whenever stream time passes a horizon. */
const plainly = (writes: readonly Write[]) => {
  const log: Entry[] = []
  const state = new Map<string, Entry>()
  let streamTime = Number.NEGATIVE_INFINITY
  const write = (entry: Entry): void => {
    log.push(entry)
    if (entry.value === undefined) state.delete(String(entry.key))
    else state.set(String(entry.key), entry)
  }
  for (const { key, timestamp, value } of writes) {
    const before = horizonOf(streamTime)
    streamTime = Math.max(streamTime, timestamp)
    if (horizonOf(streamTime) > before) {
      for (const old of state.values()) {
        if (rule.isEnded(old.value) && bucketOf(old.timestamp) < horizonOf(streamTime))
          write({ key: old.key, value: undefined, timestamp, streamTime })
      }
    }
    write({ key, value, timestamp, streamTime })
  }
  return { state, log: compacted(log), streamTime }
}

/** What a worker does with the next records: how many make a turn, and what becomes of it. */
interface Turn {
  readonly size: number
  readonly fate: 'committed' | 'stacked' | 'forgotten' | 'restart' | 'restart, compacted'
}

const append = (log: Entry[], overlay: ReadonlyMap<string, Entry>): void => {
  log.push(...overlay.values())
}

const inTurns = (writes: readonly Write[], turns: readonly Turn[]) => {
  const log: Entry[] = []
  let store = new TaskStore(rule)
  let next = 0
  const open: ReadonlyMap<string, Entry>[] = []
  const commitAll = (): void => {
    for (const overlay of open.splice(0)) {
      append(log, overlay)
      store.promote()
    }
  }
  for (let index = 0; next < writes.length; index++) {
    const { size, fate } = turns[index % turns.length] as Turn
    if (open.length === 2) {
      append(log, open.shift() as ReadonlyMap<string, Entry>)
      store.promote()
    }
    const overlay = store.beginTurn()
    const taken = writes.slice(next, next + size)
    for (const { key, timestamp, value } of taken) {
      store.at(timestamp)
      if (value === undefined) store.delete(key)
      else store.put(key, value)
    }
    if (fate === 'forgotten' && index < 4 * turns.length) {
      // Turns below it were to be committed first; this one is read again.
      for (const below of open.splice(0)) {
        append(log, below)
        store.promote()
      }
      store.forget()
      continue
    }
    open.push(overlay)
    next += taken.length
    if (fate !== 'stacked') commitAll()
    if (fate === 'restart' || fate === 'restart, compacted') {
      store = new TaskStore(rule)
      for (const entry of fate === 'restart' ? log : compacted(log)) store.restore(entry)
    }
  }
  commitAll()
  return { store, log: compacted(log) }
}

// Time goes on in steps that pass a horizon now and then; what is late is often late for a bucket that is gone.
const step = fc.record({
  key: fc.constantFrom('a', 'b', 'c', 'd'),
  advance: fc.constantFrom(0, 0, 0, 50, 100, 300),
  late: fc.constantFrom(0, 0, 0, 100, 300, 400),
  value: fc.option(fc.record({ ended: fc.boolean(), number: fc.integer() }), { nil: undefined, freq: 8 }),
})
const writes: fc.Arbitrary<Write[]> = fc.array(step, { maxLength: 60, size: 'max' }).map(steps => {
  let now = 1_000
  return steps.map(({ key, advance, late, value }) => {
    now += advance
    return { key, timestamp: now - late, value }
  })
})
const turn: fc.Arbitrary<Turn> = fc.record({
  size: fc.integer({ min: 1, max: 12 }),
  fate: fc.constantFrom('committed', 'stacked', 'forgotten', 'restart', 'restart, compacted'),
})
const turns = fc.array(turn, { minLength: 1, maxLength: 20, size: 'max' })

describe('what a store forgets', () => {
  it('follows from the writes alone: whatever the turns, aborts, restarts and restores, equal store and equal changelog', () => {
    fc.assert(
      fc.property(writes, turns, (all, cut) => {
        const { store, log } = inTurns(all, cut)
        const plain = plainly(all)
        expect([...store.committed()].sort(byKey)).toEqual(liveOf(plain.state.values()))
        expect(liveOf(log)).toEqual(liveOf(plain.log))
        expect(store.streamTime).toBe(plain.streamTime)
      }),
      { numRuns: 3_000 },
    )
  })

  it('leaves a restored store equal to the live one, stream time included, also after compaction', () => {
    fc.assert(
      fc.property(writes, turns, (all, cut) => {
        const { store, log } = inTurns(all, cut)
        const restored = new TaskStore(rule)
        for (const entry of log) restored.restore(entry)
        expect([...restored.committed()].sort(byKey)).toEqual([...store.committed()].sort(byKey))
        expect(restored.streamTime).toBe(store.streamTime)
      }),
    )
  })

  it('is never what has not ended, however far stream time jumps', () => {
    const store = new TaskStore(rule)
    store.beginTurn()
    store.at(0)
    store.put('in flight', { ended: false, number: 1 })
    store.put('ended', { ended: true, number: 1 })
    store.at(1_000_000_000)
    store.put('dated far ahead', { ended: true, number: 1 })
    expect(store.get('in flight')).toEqual({ ended: false, number: 1 })
    expect(store.get('ended')).toBeUndefined()
  })

  it('is kept for the whole retention, and not a thirty-second of it longer', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.nat(1_000_000_000),
        fc.nat(2_000_000),
        (retention, born, age) => {
          const store = new TaskStore({ retentionMs: retention, isEnded: () => true })
          store.beginTurn()
          store.at(born)
          store.put('old', 1)
          store.at(born + age)
          store.put('young', 1)
          const isKept = store.get('old') === 1
          expect({ young: age <= retention, isKept }).not.toEqual({ young: true, isKept: false })
          const isOld = age > retention + Math.max(1, retention / 32)
          expect({ isOld, isKept }).not.toEqual({ isOld: true, isKept: true })
        },
      ),
    )
  })

  it('is deleted by the write that moves stream time, not by one that comes late', () => {
    const store = new TaskStore(rule)
    const first = store.beginTurn()
    store.at(5_000)
    store.put('now', { ended: true, number: 1 })
    store.at(10)
    store.put('late', { ended: true, number: 2 })
    expect(store.get('late')).toEqual({ ended: true, number: 2 })
    store.promote()
    const second = store.beginTurn()
    store.at(5_100)
    store.put('later', { ended: true, number: 3 })
    expect([...first.keys(), ...second.keys()]).toEqual(['now', 'late', 'late', 'later'])
    expect(second.get('late')).toMatchObject({ value: undefined, timestamp: 5_100 })
  })

  it('includes what was written again, late, in the very turn that deleted it', () => {
    const store = new TaskStore(rule)
    const turnOf = (...times: readonly (readonly [key: string, timestamp: number])[]): void => {
      store.beginTurn()
      for (const [key, timestamp] of times) {
        store.at(timestamp)
        store.put(key, { ended: true, number: 1 })
      }
      store.promote()
    }
    turnOf(['again', 100])
    turnOf(['now', 500], ['again', 100])
    turnOf(['later', 900])
    expect([...store.committed()].map(({ key }) => key)).toEqual(['later'])
  })

  it('bounds what is kept', () => {
    const store = new TaskStore({ retentionMs: 128, isEnded: () => true })
    for (let index = 0; index < 500; index++) {
      store.beginTurn()
      store.at(index * 10)
      store.put(`key-${index}`, index)
      store.promote()
    }
    expect(store.committedSize).toBeLessThanOrEqual(14)
  })
})
