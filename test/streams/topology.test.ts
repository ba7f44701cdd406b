import { map, mergeMap, filter } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { utf8 } from '../../src/codec/serde.ts'
import {
  from,
  mapValue,
  merge,
  named,
  process,
  rekey,
  repartition,
  store,
  to,
  topic,
  topology,
  withKey,
} from '../../src/streams/dsl/index.ts'
import { internalTopicSpecs, planTasks, withRepartitionCounts } from '../../src/streams/runtime/task-plan.ts'
import { TopologyTestDriver } from '../../src/streams/testing/topology-test-driver.ts'

const texts = (name: string, partitions = 2) => topic(name, { key: utf8, value: utf8, partitions })
const a = texts('a')
const b = texts('b')
const c = texts('c')
const seen = store('seen', { key: utf8, value: utf8 })

describe('a topology', () => {
  it('refuses two nodes, stores or topics of one name', () => {
    const twice = (build: () => unknown) =>
      expect(build).toThrow(expect.objectContaining({ code: 'SLUICE_DSL_NAME_TAKEN' }) as Error)
    twice(() =>
      topology('t', {
        x: from(a).pipe(
          named(
            'x',
            map(m => m),
          ),
          to(b),
        ),
      }),
    )
    twice(() => topology('t', { x: from(a).pipe(to(topic('a', { key: utf8, value: { ...utf8 } }))) }))
    const other = store('seen', { key: utf8, value: utf8 })
    twice(() =>
      topology('t', {
        x: from(a).pipe(
          process('p', { seen }, () => ['']),
          to(b),
        ),
        y: from(a).pipe(
          process('q', { other }, () => ['']),
          to(c),
        ),
      }),
    )
  })

  it('refuses names that no topic can have', () => {
    expect(() => topology('no spaces', {})).toThrow(
      expect.objectContaining({ code: 'SLUICE_DSL_NAME_INVALID' }) as Error,
    )
  })

  it('fans out where a flow is used twice, running its steps once for each record', async () => {
    let runs = 0
    const shared = from(a).pipe(
      named(
        'count-runs',
        map(m => ((runs += 1), m)),
      ),
    )
    const flow = topology('fan', {
      left: shared.pipe(to(b)),
      right: shared.pipe(
        mapValue(value => value.toUpperCase()),
        to(c),
      ),
    })
    const driver = await TopologyTestDriver.create(flow)
    await driver.pipe(a, 'k', 'v')
    expect(driver.read(b).map(r => r.value)).toEqual(['v'])
    expect(driver.read(c).map(r => r.value)).toEqual(['V'])
    expect(runs).toBe(1)
  })

  it('drains asynchronous operators before a turn ends', async () => {
    const flow = topology('async', {
      out: from(a).pipe(
        mergeMap(async m => Promise.resolve(m)),
        to(b),
      ),
    })
    const driver = await TopologyTestDriver.create(flow, { turnSize: 10 })
    await driver.pipeAll(
      a,
      ['1', '2', '3'].map(value => ({ key: 'k', value })),
    )
    expect(driver.read(b).map(r => r.value)).toEqual(['1', '2', '3'])
  })

  it('fails the whole turn when one branch fails, and keeps nothing of it', async () => {
    const flow = topology('failing', {
      kept: from(a).pipe(
        process('remember', { seen }, (m, { seen: memory }) => {
          memory.put(m.key, m.value)
          return [m.value]
        }),
        to(b),
      ),
      broken: from(a).pipe(
        map(m => {
          if (m.value === 'bad') throw new Error('no good')
          return m
        }),
        to(c),
      ),
    })
    const driver = await TopologyTestDriver.create(flow)
    await driver.pipe(a, 'k', 'good')
    await expect(driver.pipe(a, 'k', 'bad')).rejects.toMatchObject({
      code: 'SLUICE_STREAMS_RECORD_FAILED',
      details: { topic: 'a', partition: 0, offset: 1 },
    })
    expect(driver.get(seen, 'k')).toBe('good')
    expect(driver.read(b).map(r => r.value)).toEqual(['good'])
  })

  it('derives ids from the source record, the same in every run', async () => {
    const flow = topology('ids', {
      out: from(a).pipe(
        mergeMap(m => [m, withKey(m, m.key)]),
        to(b),
      ),
    })
    const run = async (turnSize: number) => {
      const driver = await TopologyTestDriver.create(flow, { turnSize })
      await driver.pipeAll(
        a,
        ['1', '2', '3'].map(value => ({ key: 'k', value })),
      )
      return driver.read(b).map(record => record.headers.find(([name]) => name === 'id')?.[1].toString())
    }
    const ids = await run(1)
    expect(new Set(ids).size).toBe(6)
    expect(await run(3)).toEqual(ids)
  })
})

describe('the plan of tasks', () => {
  const flow = topology('plan', {
    out: merge(
      from(b),
      from(a).pipe(
        rekey(m => m.value),
        repartition('by-value', { key: utf8, value: utf8 }),
      ),
    ).pipe(
      process('join', { seen }, m => [m.value]),
      filter(() => true),
      to(c),
    ),
  })

  it('gives a repartition topic the count of what it is read with, and a changelog that of its tasks', () => {
    const counts = withRepartitionCounts(
      flow,
      new Map([
        ['a', 7],
        ['b', 3],
        ['c', 1],
      ]),
    )
    expect(internalTopicSpecs(flow, counts)).toMatchObject([
      { name: 'plan-by-value-repartition', partitions: 3 },
      { name: 'plan-seen-changelog', partitions: 3, config: { 'cleanup.policy': 'compact' } },
    ])
    expect(planTasks(flow, counts).map(task => task.id)).toHaveLength(10)
  })

  it('refuses state over topics that are not co-partitioned', () => {
    const uneven = topology('uneven', {
      out: merge(from(a), from(b)).pipe(
        process('join', { seen }, m => [m.value]),
        to(c),
      ),
    })
    const counts = new Map([
      ['a', 2],
      ['b', 3],
      ['c', 1],
    ])
    expect(() => planTasks(uneven, counts)).toThrow(
      expect.objectContaining({ code: 'SLUICE_STREAMS_NOT_COPARTITIONED' }) as Error,
    )
  })

  it('says which topic is missing', () => {
    expect(() => withRepartitionCounts(flow, new Map([['a', 1]]))).toThrow(
      expect.objectContaining({ code: 'SLUICE_STREAMS_TOPIC_MISSING', details: { topic: 'b' } }) as Error,
    )
  })
})
