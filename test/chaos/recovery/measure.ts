import { readFileSync } from 'node:fs'
import type { Clock } from '../../../src/core/clock.ts'
import type { ServerControl } from '../servers/server-control.ts'
import type { ChaosSystem } from '../support/system.ts'
import type { GaugeReader } from './read-gauges.ts'
import { excess, LagClock } from './lag-clock.ts'
import { RecoveryTracker, type Gauges } from './recovery-tracker.ts'

/** What is measured on. */
export interface Measured {
  readonly system: ChaosSystem
  readonly servers: ServerControl
  readonly gauges: GaugeReader
  readonly clock: Clock
}

/** A fault, and how to bring the system back to where it was before the next one. */
interface Scenario {
  readonly strike: (measured: Measured, round: number) => Promise<void>
  readonly restore: (measured: Measured, round: number) => Promise<void>
  /** How long after the fault something may still fall behind because of it. */
  readonly watchMs: number
}

const lookIntervalMs = 100
const patienceMs = 180_000
const steadyLooks = 30
const leastLagMs = 500
const mostLagMs = 30_000
const victimOf = (round: number): 'worker-a' | 'worker-b' => (round % 2 === 0 ? 'worker-a' : 'worker-b')
const topologyCount = 3

/** How often a worker has been given tasks, by its log. */
const assignments = (logFile: string): number =>
  readFileSync(logFile, 'utf8')
    .split('\n')
    .filter(line => line.includes('"tasks assigned"') && !line.includes('"added":[]')).length

export const scenarios = {
  'worker killed, not started again': {
    strike: async ({ system }, round) => system.process(victimOf(round)).halt('SIGKILL'),
    restore: async ({ system, clock }, round) => {
      const { logFile } = system.process(victimOf(round))
      const before = assignments(logFile)
      system.process(victimOf(round)).start()
      while (assignments(logFile) < before + topologyCount) await clock.sleep(lookIntervalMs)
    },
    watchMs: 9_000,
  },
  'worker killed, started again at once': {
    strike: async ({ system }, round) => void (await system.process(victimOf(round)).kill()),
    restore: async () => {},
    watchMs: 3_000,
  },
  'relay killed, started again at once': {
    strike: async ({ system }) => void (await system.process('relay').kill()),
    restore: async () => {},
    watchMs: 3_000,
  },
  'broker killed, started again at once': {
    strike: async ({ servers }) => {
      await servers.crash('kafka')
      await servers.start('kafka')
    },
    restore: async () => {},
    watchMs: 3_000,
  },
} satisfies Readonly<Record<string, Scenario>>

export type ScenarioName = keyof typeof scenarios
export const scenarioNames = Object.keys(scenarios) as ScenarioName[]

/** One look: how old the oldest is of what each group, and the relay, still has to do; undefined when nothing could be seen. */
type Look = () => Promise<Gauges | undefined>

const createLook = ({ gauges, clock }: Measured): Look => {
  const lags = new LagClock()
  return async () => {
    const extents = await gauges.read().catch(() => undefined)
    return extents && lags.look(clock.now(), extents)
  }
}

/**
 * How late each is without a fault: the most of some looks, and at least half a second. Rejects when one of them is so late that the
 * system does not follow its load.
 */
const usualLags = async (look: Look, clock: Clock): Promise<Gauges> => {
  const usual = new Map<string, number>()
  for (let looks = 0; looks < steadyLooks; await clock.sleep(lookIntervalMs)) {
    const seen = await look()
    if (seen === undefined) continue
    looks += 1
    for (const [name, value] of seen) usual.set(name, Math.max(usual.get(name) ?? leastLagMs, value))
  }
  const late = [...usual]
    .filter(([, value]) => value > mostLagMs)
    .map(([name, value]) => `${name} ${value} ms`)
  if (late.length > 0) throw new Error(`the system does not follow its load: ${late.join(', ')}`)
  return usual
}

/**
 * Milliseconds from one fault until each group and the relay are no later than they usually are. Rejects after three minutes
 * without.
 */
export const measureOnce = async (name: ScenarioName, measured: Measured, round: number): Promise<number> => {
  const { clock } = measured
  const { strike, restore, watchMs }: Scenario = scenarios[name]
  const look = createLook(measured)
  const usual = await usualLags(look, clock)
  const tracker = new RecoveryTracker(watchMs)
  const struckAt = clock.now()
  let failure: { readonly error: unknown } | undefined
  const striking = strike(measured, round).catch((error: unknown) => {
    failure = { error }
  })
  while (tracker.recoveredMs === undefined) {
    if (failure !== undefined) throw failure.error
    await clock.sleep(lookIntervalMs)
    const seen = await look()
    tracker.look(clock.now() - struckAt, seen && excess(seen, usual))
    if (clock.now() - struckAt > patienceMs)
      throw new Error(`${name}: not recovered after ${patienceMs / 1_000} s: ${tracker.missing.join(', ')}`)
  }
  await striking
  await restore(measured, round)
  return tracker.recoveredMs
}
