import { describe, expect, test } from 'vitest'
import { switchBack, switchViews } from '../../../src/orders/replay/switch-views.ts'
import { createActiveTarget, routingStaleMs } from '../../../src/orders/view-routing.ts'
import type { ViewRoutes } from '../../../src/orders/view-routing.ts'
import { comparisonOf, PartFindings } from '../../../src/replay/difference.ts'

const plan = {
  id: 'v',
  target: 'views',
  shadow: 'materializer-replay-v',
  from: 'start',
  starts: [],
  isPartial: false,
  createdAt: '2026-01-01T00:00:00Z',
  keyspace: 'sluice_replay_v',
}

/** Routes in memory, and what was done in which sequence. */
const memoryRoutes = () => {
  const done: string[] = []
  const attached = new Set<string>([''])
  let active = ''
  const routes: ViewRoutes = {
    read: async () => ({ active, attached: [...attached] }),
    attach: async target => {
      done.push('attach')
      attached.add(target)
    },
    detach: async target => {
      done.push('detach')
      attached.delete(target)
    },
    activate: async target => {
      done.push(`activate ${target}`)
      active = target
    },
  }
  return { routes, done }
}

const compared = (isEqual: boolean) => async () => {
  const findings = new PartFindings('stock_state')
  findings.equal = 1
  if (!isEqual) findings.differs('tea', 'version 3 live, 2 replayed')
  return comparisonOf([findings.result()], [])
}

const switching = (isEqual: boolean, change: Partial<typeof plan> = {}) => {
  const { routes, done } = memoryRoutes()
  const result = switchViews({
    plan: { ...plan, ...change },
    routes,
    catchUp: async () => void done.push('catch up'),
    compare: compared(isEqual),
  })
  return { result, done, routes }
}

describe('a switch', () => {
  test('attaches first, then catches up, and activates what is equal', async () => {
    const { result, done, routes } = switching(true)
    await result
    expect(done).toEqual(['attach', 'catch up', 'activate sluice_replay_v'])
    await switchBack(plan, routes)
    expect(await routes.read()).toEqual({ active: '', attached: ['', 'sluice_replay_v'] })
    await expect(switchBack(plan, routes)).rejects.toThrow(/nothing to go back from/)
  })

  test('lets go of what is not equal, and says where', async () => {
    const { result, done } = switching(false)
    await expect(result).rejects.toThrow(/1 places.*stock_state tea version 3 live, 2 replayed/)
    expect(done).toEqual(['attach', 'catch up', 'detach'])
  })

  test('touches nothing for a partial replay', async () => {
    const { result, done } = switching(true, { isPartial: true })
    await expect(result).rejects.toThrow(/partial/)
    expect(done).toEqual([])
  })
})

test('a reader follows a switch after at most the time that is promised', async () => {
  let nowMs = 0
  const { routes } = memoryRoutes()
  const active = createActiveTarget(routes, { now: () => nowMs })
  expect(await active.get()).toBe('')
  await routes.activate('other')
  nowMs = routingStaleMs - 1
  expect(await active.get()).toBe('')
  nowMs = routingStaleMs
  expect(await active.get()).toBe('other')
  await routes.activate('')
  active.forget()
  expect(await active.get()).toBe('')
})
