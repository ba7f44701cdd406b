import type { Random } from '../../../src/core/random.ts'
import { serverNames } from '../../../src/stack/types.ts'
import { signalAll } from '../servers/process-tree.ts'
import type { ServerControl } from '../servers/server-control.ts'
import type { Stage } from '../support/stage.ts'

/** Processes that reach their servers through proxies in a soak. */
export const proxiedProcesses = ['serve', 'relay', 'worker-a', 'worker-b'] as const

const shortestMs = 500
const longestMs = 4_000
/** From a busy network to one that makes people wait. */
const delaysMs = [30, 100, 300] as const

interface Nuisance {
  readonly kind: string
  readonly place: string
  begin(): void
  end(): void
}

const nothing = (): void => {}

const nuisanceOf = (random: Random, stage: Stage, servers: ServerControl): Nuisance => {
  const pick = <T>(among: readonly T[]): T => among[Math.floor(random() * among.length)] as T
  const name = pick(proxiedProcesses)
  const protocol = pick(['kafka', 'cassandra', 'postgres'] as const)
  const proxies = stage.system.proxiesOf(name)
  const place = `${name} to ${protocol}`
  const kind = random()
  if (kind < 0.3) return { kind: 'cut', place, begin: () => proxies[protocol].cutAll(), end: nothing }
  if (kind < 0.55) {
    const fault = {
      kind: 'delay',
      side: random() < 0.5 ? 'request' : 'reply',
      delayMs: pick(delaysMs),
    } as const
    return {
      kind: 'delay',
      place,
      begin: () => void proxies[protocol].inject({ fault, times: Infinity }),
      end: () => proxies[protocol].clear(),
    }
  }
  if (kind < 0.75)
    return {
      kind: 'freeze',
      place,
      begin: () => proxies[protocol].setFrozen(true),
      end: () => proxies[protocol].setFrozen(false),
    }
  if (kind < 0.9) {
    const server = pick(serverNames)
    return {
      kind: 'pause',
      place: server,
      begin: () => servers.pause(server),
      end: () => servers.resume(server),
    }
  }
  const { pid } = stage.system.process(name)
  const all = pid === undefined ? [] : [pid]
  return {
    kind: 'pause',
    place: name,
    begin: () => signalAll(all, 'SIGSTOP'),
    end: () => signalAll(all, 'SIGCONT'),
  }
}

/** One fault of the kind that everybody has to live with: nothing ends, all of it passes within seconds. */
export const annoyOnce = async (random: Random, stage: Stage, servers: ServerControl): Promise<void> => {
  const nuisance = nuisanceOf(random, stage, servers)
  stage.book.inject(nuisance.kind, nuisance.place)
  nuisance.begin()
  await stage.clock.sleep(shortestMs + random() * (longestMs - shortestMs))
  nuisance.end()
}
