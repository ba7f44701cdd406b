import type { Random } from '../../../src/core/random.ts'
import { deathAt, leaveDeadRequest } from './kill-at.ts'
import { places } from './places.ts'
import type { Place } from './places.ts'
import type { Stage } from './stage.ts'
import type { ProcessName } from './system.ts'

/** What one victim of a round suffers. */
export type KillPlan =
  | { readonly name: ProcessName; readonly place: Place; readonly pass: number }
  | { readonly name: ProcessName; readonly place: undefined; readonly afterMs: number }

/** What happens in one round. */
export interface RoundPlan {
  /** One process, or two at once. */
  readonly kills: readonly KillPlan[]
  /** Whether the third worker comes or goes meanwhile. */
  readonly moves: boolean
  /** Waits until an order that comes after has its end, or goes on after this time. */
  readonly recovers: boolean
  readonly pauseMs: number
}

const victims: readonly ProcessName[] = ['serve', 'relay', 'worker-a', 'worker-b']
const twiceShare = 0.15
const placeShare = 0.65

const one = <T>(random: Random, list: readonly T[]): T => list[Math.floor(random() * list.length)] as T

const planKill = (random: Random, name: ProcessName): KillPlan => {
  const passed = places.filter(({ processes }) => processes.includes(name))
  if (random() >= placeShare) return { name, place: undefined, afterMs: Math.round(random() * 800) }
  const place = one(random, passed)
  return { name, place, pass: place.condition === 'load' ? 1 + Math.floor(random() ** 2 * 6) : 1 }
}

/** A round by chance; the same for the same random numbers. */
export const planRound = (random: Random): RoundPlan => {
  const first = one(random, victims)
  const others = victims.filter(name => name !== first)
  const kills = [first, ...(random() < twiceShare ? [one(random, others)] : [])].map(name =>
    planKill(random, name),
  )
  const moves =
    random() < 0.1 || kills.some(({ place }) => place?.condition === 'join' || place?.condition === 'leave')
  return { kills, moves, recovers: random() < 0.15, pauseMs: Math.round(random() * 600) }
}

/** A plan in one line, for the log of a run. */
export const describeRound = ({ kills, moves, recovers }: RoundPlan): string =>
  [
    ...kills.map(kill =>
      kill.place === undefined
        ? `${kill.name} after ${kill.afterMs} ms`
        : `${kill.name} at ${kill.place.name}:${kill.pass}`,
    ),
    ...(moves ? ['worker-c comes or goes'] : []),
    ...(recovers ? ['and recovers'] : []),
  ].join(', ')

const kill = async (stage: Stage, plan: KillPlan, reachWithinMs: number): Promise<void> => {
  const { system, book, clock } = stage
  const victim = system.process(plan.name)
  if (plan.place !== undefined) {
    if (plan.place.condition === 'dead-request') await leaveDeadRequest(stage)
    victim.arm(plan.place.name, plan.pass)
    const dying = deathAt(stage, victim, plan.place.name, reachWithinMs)
    if (plan.place.condition === 'start' && (await victim.kill())?.place === undefined)
      book.inject('kill -9', `${plan.name} at any moment`)
    if ((await dying) !== undefined) {
      book.inject('kill -9', plan.place.name)
      return
    }
    victim.disarm()
  } else {
    await clock.sleep(plan.afterMs)
  }
  // A place that is not reached in a moment's time is as good as any other moment.
  if ((await victim.kill()) !== undefined) book.inject('kill -9', `${plan.name} at any moment`)
}

const move = async ({ system, book }: Stage): Promise<void> => {
  const visitor = system.process('worker-c')
  book.inject(visitor.isHalted ? 'joins' : 'leaves', 'worker-c')
  if (visitor.isHalted) visitor.start()
  else await visitor.halt()
}

/** Does what was planned, under load. */
export const playRound = async (stage: Stage, plan: RoundPlan, reachWithinMs: number): Promise<void> => {
  const { load, book, clock } = stage
  await Promise.all([
    ...plan.kills.map(one => kill(stage, one, reachWithinMs)),
    ...(plan.moves ? [move(stage)] : []),
  ])
  if (plan.recovers)
    book.recover(
      plan.kills.length > 1 ? 'kill -9 of two at once' : `kill -9 of ${plan.kills[0]?.name}`,
      await load.probe(),
    )
  else await clock.sleep(plan.pauseMs)
}
