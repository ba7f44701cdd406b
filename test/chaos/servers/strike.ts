import type { Random } from '../../../src/core/random.ts'
import { serverNames, type ServerName } from '../../../src/stack/types.ts'
import type { Stage } from '../support/stage.ts'
import { signalAll } from './process-tree.ts'
import type { ServerControl } from './server-control.ts'

const processes = ['serve', 'relay', 'worker-a', 'worker-b'] as const
export type Target = ServerName | (typeof processes)[number]
const allTargets: readonly Target[] = [...serverNames, ...processes]

/**
 * One thing done to the system: targets put to sleep, a server killed and started again, one target stopped in good order and started
 * again.
 */
export type Strike =
  | { readonly kind: 'pause'; readonly targets: readonly Target[]; readonly forMs: number }
  | { readonly kind: 'crash'; readonly server: ServerName; readonly downMs: number }
  | { readonly kind: 'restart'; readonly target: Target }

const isServer = (target: Target): target is ServerName => (serverNames as readonly string[]).includes(target)

/** Every server and process put to sleep, every server killed, every one of both stopped and started: each once. */
export const eachOnce: readonly Strike[] = [
  ...([['postgres'], ['kafka'], ['cassandra'], ['registry', 'relay'], ['serve', 'worker-a']] as const).map(
    (targets): Strike => ({ kind: 'pause', targets, forMs: 8_000 }),
  ),
  ...serverNames.map((server): Strike => ({ kind: 'crash', server, downMs: 500 })),
  ...allTargets.map((target): Strike => ({ kind: 'restart', target })),
]

/** A strike by chance: sleeps of 8 to 15 s, servers that are away for up to 5 s, restarts. */
export const strikeAt = (random: Random): Strike => {
  const pick = <T>(among: readonly T[]): T => among[Math.floor(random() * among.length)] as T
  if (random() < 0.2) return { kind: 'restart', target: pick(allTargets) }
  if (random() < 0.4) return { kind: 'crash', server: pick(serverNames), downMs: random() * 5_000 }
  const first = pick(allTargets)
  const second = pick<Target>(processes)
  return {
    kind: 'pause',
    targets: random() < 0.3 && second !== first ? [first, second] : [first],
    forMs: 8_000 + random() * 7_000,
  }
}

export const nameOf = (strike: Strike): string => {
  switch (strike.kind) {
    case 'pause':
      return `pause ${strike.targets.join(' and ')}`
    case 'crash':
      return `crash ${strike.server}`
    case 'restart':
      return `restart ${strike.target}`
  }
}

/** What a strike acts on. */
export interface Struck {
  readonly stage: Stage
  readonly servers: ServerControl
}

/**
 * Strikes; resolves when the servers serve again and all that slept are awake. Every process may end and is started again; none is
 * started by hand.
 */
export const strikeOnce = async (strike: Strike, { stage, servers }: Struck): Promise<void> => {
  const { clock, system } = stage
  if (strike.kind === 'crash') {
    await servers.crash(strike.server)
    await clock.sleep(strike.downMs)
    await servers.start(strike.server)
    return
  }
  if (strike.kind === 'restart') {
    const { target } = strike
    if (isServer(target)) {
      await servers.stop(target)
      await servers.start(target)
    } else {
      await system.process(target).kill('SIGTERM')
    }
    return
  }
  const { targets } = strike
  const pids = targets.flatMap(target => (isServer(target) ? [] : (system.process(target).pid ?? [])))
  for (const target of targets) if (isServer(target)) servers.pause(target)
  signalAll(pids, 'SIGSTOP')
  await clock.sleep(strike.forMs)
  for (const target of targets) if (isServer(target)) servers.resume(target)
  signalAll(pids, 'SIGCONT')
}

/** Whether the order service itself is away meanwhile, so that no answer is no fault. */
export const silences = (strike: Strike): boolean =>
  (strike.kind === 'pause' && strike.targets.includes('serve')) ||
  (strike.kind === 'restart' && strike.target === 'serve')
