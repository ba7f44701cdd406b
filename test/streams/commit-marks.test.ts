import { describe, expect, it } from 'vitest'
import { areSame, CommitMarks, committerOf } from '../../src/streams/runtime/commit-marks.ts'

const place = { topic: 'in', partition: 0 }

describe('commit marks', () => {
  it('name who committed, whatever the name holds', () => {
    const [marked] = new CommitMarks('orders:eu-worker\n1-0').mark([{ ...place, offset: 7 }])
    expect(committerOf(marked?.metadata)).toBe('orders:eu-worker\n1-0')
    expect(committerOf('')).toBeUndefined()
    expect(committerOf('reset by hand')).toBeUndefined()
    expect(committerOf(undefined)).toBeUndefined()
  })

  it('tell one commit from another of the same offset: of another worker, another life, another turn', () => {
    const position = { ...place, offset: 7 }
    const worker = new CommitMarks('w-0')
    const [first, second] = [worker.mark([position]), worker.mark([position])]
    const others = [second, new CommitMarks('w-0').mark([position]), new CommitMarks('x-0').mark([position])]
    expect(areSame(first, first)).toBe(true)
    for (const other of others) expect(areSame(first, other)).toBe(false)
    expect(areSame(first, [])).toBe(false)
  })

  it('are news to the broker until they are its last, under this worker’s name', () => {
    const marks = new CommitMarks('w-0')
    const position = { ...place, offset: 7 }
    expect(marks.isNews(position)).toBe(true)
    marks.record(new CommitMarks('former-0').mark([position]))
    expect(marks.isNews(position)).toBe(true)
    marks.record(marks.mark([position]))
    expect(marks.isNews(position)).toBe(false)
    expect(marks.isNews({ ...place, offset: 8 })).toBe(true)
  })

  it('see that somebody else has committed in between, even as far', () => {
    const marks = new CommitMarks('w-0')
    const mine = marks.mark([{ ...place, offset: 7 }])
    marks.record(mine)
    expect(marks.areLast(mine)).toBe(true)
    expect(marks.areLast(new CommitMarks('x-0').mark(mine))).toBe(false)
    expect(marks.areLast([...mine, { topic: 'in', partition: 1, offset: 0 }])).toBe(false)
  })
})
