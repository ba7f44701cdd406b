import type { Random } from '../../../src/core/random.ts'
import type { Fault, Injection } from '../../../src/testing/index.ts'
import { describeFault } from '../../../src/testing/faults.ts'
import { leaveDeadRequest } from './kill-at.ts'
import type { ProcessProxies } from './proxies.ts'
import type { Stage } from './stage.ts'
import type { ProcessName } from './system.ts'
import { targets } from './unknown-targets.ts'
import type { Target } from './unknown-targets.ts'

/** One fault to strike one request of one process. */
export interface UnknownPlan {
  readonly name: ProcessName
  readonly target: Target
  /** Which of the target's faults. */
  readonly fault: number
  /** Matching requests that pass before. */
  readonly skip: number
}

/** Processes that are behind proxies in these runs. */
export const proxied: readonly ProcessName[] = ['serve', 'relay', 'worker-a', 'worker-b']

const shuffled = <T>(random: Random, list: readonly T[]): T[] => {
  const rest = [...list]
  return list.map(() => rest.splice(Math.floor(random() * rest.length), 1)[0] as T)
}

/** A plan in a few words. */
export const describePlan = ({ name, target, fault }: UnknownPlan): string =>
  `${describeFault(target.faults[fault] as Fault<unknown>)} at ${target.name} of ${name}`

/** Plans without end. */
export interface UnknownPlans {
  next(count: number): UnknownPlan[]
}

/**
 * Each kind of request once, with one of its faults; from then on each fault of each request once before any comes again, in an
 * order by chance.
 *
 * @param isQuick Leaves out replies that never come: each costs a client its whole patience.
 */
export const planUnknown = (random: Random, isQuick: boolean): UnknownPlans => {
  const all = targets.flatMap(target =>
    target.faults.flatMap((fault, index) =>
      isQuick && fault.kind === 'drop' ? [] : [{ target, fault: index }],
    ),
  )
  const queue = shuffled(random, targets).map(target => {
    const faults = all.filter(one => one.target === target)
    return faults[Math.floor(random() * faults.length)] as (typeof all)[number]
  })
  const one = (): UnknownPlan => {
    if (queue.length === 0) queue.push(...shuffled(random, all))
    const { target, fault } = queue.shift() as (typeof all)[number]
    const { processes } = target
    const name = processes[Math.floor(random() * processes.length)] as ProcessName
    return {
      name,
      target,
      fault,
      skip: target.condition === 'load' ? Math.floor(random() * 3) : 0,
    }
  }
  return { next: count => Array.from({ length: count }, one) }
}

const inject = (proxies: ProcessProxies, { target, fault, skip }: UnknownPlan): Injection => {
  const rule = { name: target.name, where: target.matches, skip }
  // Each server has its own errors, so each its own call.
  switch (target.server) {
    case 'cassandra':
      return proxies.cassandra.inject({ ...rule, fault: target.faults[fault] as Fault<never> })
    case 'postgres':
      return proxies.postgres.inject({ ...rule, fault: target.faults[fault] as Fault<never> })
    case 'kafka':
      return proxies.kafka.inject({ ...rule, fault: target.faults[fault] as Fault<never> })
  }
}

/** A dead request may have been one that nobody repeats, and whose reaping takes longer than this. */
const nextDeadRequestMs = 8_000

/** What leads to the request; ends when told to. */
const lead = async (stage: Stage, { name, target }: UnknownPlan, signal: AbortSignal): Promise<void> => {
  const { system, book, clock } = stage
  if (target.condition === 'start') {
    await system.process(name).kill()
    book.inject('kill -9', `${name}, so that it begins anew`)
  }
  while (target.condition === 'dead-request' && !signal.aborted) {
    await leaveDeadRequest(stage)
    await clock.sleep(nextDeadRequestMs, signal).catch(() => {})
  }
}

const strike = async (stage: Stage, plan: UnknownPlan, withinMs: number): Promise<boolean> => {
  const { system, clock } = stage
  const injection = inject(system.proxiesOf(plan.name), plan)
  const over = new AbortController()
  const leading = lead(stage, plan, over.signal)
  const late = clock.sleep(withinMs, over.signal).then(
    () => false,
    () => false,
  )
  const struck = await Promise.race([injection.done.then(() => true), late])
  over.abort(new Error('decided'))
  await leading
  injection.withdraw()
  return struck || injection.struck > 0
}

/**
 * Strikes the faults, those of one process after each other and those of several at the same time; returns the plans whose
 * request was not seen in time.
 */
export const playUnknown = async (
  stage: Stage,
  plans: readonly UnknownPlan[],
  withinMs = 30_000,
): Promise<UnknownPlan[]> => {
  const missed: UnknownPlan[] = []
  await Promise.all(
    proxied.map(async name => {
      for (const plan of plans.filter(one => one.name === name)) {
        if (!(await strike(stage, plan, withinMs))) missed.push(plan)
      }
    }),
  )
  return missed
}
