import { readFileSync } from 'node:fs'
import type { Clock } from '../../../src/core/clock.ts'
import type { ServerControl } from '../servers/server-control.ts'
import type { ChaosSystem } from '../support/system.ts'
import type { GaugeReader } from './read-gauges.ts'
import { RecoveryTracker } from './recovery-tracker.ts'

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
    watchMs: 2_000,
  },
  'worker killed, started again at once': {
    strike: async ({ system }, round) => void (await system.process(victimOf(round)).kill()),
    restore: async () => {},
    watchMs: 1_000,
  },
  'relay killed, started again at once': {
    strike: async ({ system }) => void (await system.process('relay').kill()),
    restore: async () => {},
    watchMs: 1_000,
  },
  'broker killed, started again at once': {
    strike: async ({ servers }) => {
      await servers.crash('kafka')
      await servers.start('kafka')
    },
    restore: async () => {},
    watchMs: 1_000,
  },
} satisfies Readonly<Record<string, Scenario>>

export type ScenarioName = keyof typeof scenarios
export const scenarioNames = Object.keys(scenarios) as ScenarioName[]

/** Resolves when all gauges have been seen at 0, each at some time: the system follows its load. */
const untilSteady = async ({ gauges, clock }: Measured): Promise<void> => {
  let waiting: Set<string> | undefined
  for (const deadline = clock.now() + patienceMs; waiting?.size !== 0; await clock.sleep(lookIntervalMs)) {
    const seen = await gauges.read().catch(() => undefined)
    if (clock.now() > deadline)
      throw new Error(`the system does not follow its load: ${[...(waiting ?? [])].join(', ')}`)
    if (seen === undefined) continue
    waiting ??= new Set(seen.keys())
    for (const [name, value] of seen) if (value === 0) waiting.delete(name)
  }
}

/** Milliseconds from one fault to the system's recovery. Rejects after three minutes without. */
export const measureOnce = async (name: ScenarioName, measured: Measured, round: number): Promise<number> => {
  const { gauges, clock } = measured
  const { strike, restore, watchMs }: Scenario = scenarios[name]
  await untilSteady(measured)
  const tracker = new RecoveryTracker(watchMs)
  const struckAt = clock.now()
  const striking = strike(measured, round)
  while (tracker.recoveredMs === undefined) {
    await clock.sleep(lookIntervalMs)
    const seen = await gauges.read().catch(() => undefined)
    tracker.look(clock.now() - struckAt, seen)
    if (clock.now() - struckAt > patienceMs)
      throw new Error(`${name}: not recovered after ${patienceMs / 1_000} s: ${tracker.missing.join(', ')}`)
  }
  await striking
  await restore(measured, round)
  return tracker.recoveredMs
}
