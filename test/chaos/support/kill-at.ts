import type { CrashPointName } from '../../../src/core/crash-points.ts'
import type { Condition, Place } from './places.ts'
import type { Stage } from './stage.ts'
import type { Death, Supervised } from './supervisor.ts'
import type { ProcessName } from './system.ts'

/** How long a place may take to be reached, and how often it is led to: a request that died may have been one that nobody repeats. */
const patienceMs = 30_000
const attempts = 4

/** Resolves with the death of a process at a place; undefined when there was none in time. */
export const deathAt = async (
  { clock }: Pick<Stage, 'clock'>,
  victim: Supervised,
  place: CrashPointName,
  withinMs: number,
): Promise<Death | undefined> => {
  const over = new AbortController()
  const late = clock.sleep(withinMs, over.signal).then(
    () => undefined,
    () => undefined,
  )
  try {
    for (;;) {
      const death = await Promise.race([victim.nextDeath(), late])
      if (death === undefined || death.place === place) return death
    }
  } finally {
    over.abort(new Error('no longer waited for'))
  }
}

/** Lets the order service die in a request that has reserved its stock: its client repeats it, or the reaper finds it. */
export const leaveDeadRequest = async ({ system, book }: Pick<Stage, 'system' | 'book'>): Promise<void> => {
  const serve = system.process('serve')
  const dying = serve.nextDeath()
  serve.arm('order.after-reserve')
  await dying
  book.inject('kill -9', 'order.after-reserve')
}

/** What a place needs before it is armed. */
const prepare = async (stage: Stage, condition: Condition): Promise<void> => {
  const { system, load, clock } = stage
  const visitor = system.process('worker-c')
  if (condition === 'join') await visitor.halt()
  if (condition === 'leave') {
    visitor.start()
    while (visitor.said('"added":["') === 0) await clock.sleep(50)
    // By then what it was given bears its name.
    await load.probe()
  }
  if (condition === 'dead-request') await leaveDeadRequest(stage)
}

/** What leads there once it is armed. */
const lead = async ({ system, book }: Stage, condition: Condition, victim: Supervised): Promise<void> => {
  if (condition === 'start' && (await victim.kill())?.place === undefined)
    book.inject('kill -9', `${victim.name} at any moment`)
  if (condition === 'join') system.process('worker-c').start()
  if (condition === 'leave') await system.process('worker-c').halt()
}

/**
 * Kills a process at a named place, alone and under load, and waits until an order that comes after has its end. A place that is
 * not reached is a violation.
 */
export const killAt = async (stage: Stage, place: Place, name: ProcessName): Promise<void> => {
  const { system, load, book } = stage
  const victim = system.process(name)
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    await prepare(stage, place.condition)
    victim.arm(place.name)
    const dying = deathAt(stage, victim, place.name, patienceMs)
    await lead(stage, place.condition, victim)
    if ((await dying) !== undefined) {
      book.inject('kill -9', place.name)
      book.recover(`kill -9 of ${name}`, await load.probe())
      return
    }
    victim.disarm()
  }
  book.fail(`${place.name} was not reached by ${name} in ${attempts} times ${patienceMs / 1_000} s`)
}
