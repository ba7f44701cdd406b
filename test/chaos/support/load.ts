import type { ServerConfig } from '../../../src/app/adapters.ts'
import type { Clock } from '../../../src/core/clock.ts'
import { createRandom } from '../../../src/core/random.ts'
import { sendUntilAnswered, untilEnded } from './client.ts'
import type { FinalAnswer } from './client.ts'
import { openFaultyOrders } from './faulty-orders.ts'
import { initialRequests, nextRequest } from './requests.ts'
import type { LoadRequest, LoadShop } from './requests.ts'

/** Everything the clients were told, for comparison with what the servers hold. */
export interface LoadRecord {
  /** Requests that were accepted, by the id they were given. */
  readonly accepted: ReadonlyMap<string, LoadRequest>
  /** Requests without a key of which nobody knows what became, by their customer. */
  readonly uncertain: ReadonlyMap<string, LoadRequest>
  /** Refusals by their code: OutOfStock, InvalidRequest. */
  readonly refused: Readonly<Record<string, number>>
  /** What no client should have been told, in words. */
  readonly unexpected: readonly string[]
  readonly answered: number
  /** Tries beyond each request's first. */
  readonly repeats: number
  /** Accepted requests that an earlier try had made. */
  readonly replayed: number
}

/** Clients at work. */
export interface Load {
  readonly shop: LoadShop
  readonly record: LoadRecord
  /** Resolves when so many more requests have been answered than now. */
  answers(count: number): Promise<void>
  /** Places one more order, of what is plenty, and waits until it has its end; returns how long that took, in milliseconds. */
  probe(): Promise<number>
  /** Resolves when nothing is under way any more. */
  pause(): Promise<void>
  resume(): void
  /** Pauses for good, and closes what the load has open. */
  stop(): Promise<LoadRecord>
}

export interface LoadOptions {
  readonly config: ServerConfig
  readonly apiUrl: string
  readonly shop: LoadShop
  readonly clock: Clock
  readonly seed: number
  /** Requests under way at once. Default 8. */
  readonly clients?: number
  /** The mean of each client's pause between an answer and its next request. Default 150. */
  readonly thinkMs?: number
}

const expectedRefusals: Readonly<Record<LoadRequest['kind'], readonly string[]>> = {
  order: ['OutOfStock'],
  'keyless-order': ['OutOfStock'],
  'faulty-order': ['OutOfStock'],
  'invalid-order': ['InvalidRequest'],
  adjustment: ['OutOfStock'],
}
/** How many accepted requests are sent once more, to hear the same. */
const repeatedShare = 0.03

class Recorder {
  readonly accepted = new Map<string, LoadRequest>()
  readonly uncertain = new Map<string, LoadRequest>()
  readonly refused: Record<string, number> = {}
  readonly unexpected: string[] = []
  answered = 0
  repeats = 0
  replayed = 0
  readonly #waiting: { readonly at: number; readonly resolve: () => void }[] = []

  add(request: LoadRequest, answer: FinalAnswer): void {
    this.#judge(request, answer)
    this.answered += 1
    this.repeats += answer.repeats
    if (answer.isReplayed) this.replayed += 1
    for (const { at, resolve } of this.#waiting) if (this.answered >= at) resolve()
  }

  /** The same request again: it must be answered as it was. */
  compare(request: LoadRequest, first: FinalAnswer, second: FinalAnswer): void {
    this.repeats += 1 + second.repeats
    if (second.id === first.id) this.replayed += 1
    else this.unexpected.push(`${request.key} was ${first.id}, and repeated ${second.outcome} ${second.id}`)
  }

  answers(count: number): Promise<void> {
    const at = this.answered + count
    return new Promise(resolve => this.#waiting.push({ at, resolve }))
  }

  #judge(request: LoadRequest, { outcome, id, failures }: FinalAnswer): void {
    const name = `${request.kind} ${request.key}`
    this.unexpected.push(...failures.map(failure => `${name}: ${failure}`))
    if (outcome === 'accepted' && id !== undefined && request.kind !== 'invalid-order') {
      if (this.accepted.has(id)) this.unexpected.push(`${name} was given id ${id}, which another has`)
      this.accepted.set(id, request)
    } else if (expectedRefusals[request.kind].includes(outcome)) {
      this.refused[outcome] = (this.refused[outcome] ?? 0) + 1
    } else if (outcome === 'unknown') {
      this.uncertain.set(request.key, request)
    } else {
      this.unexpected.push(`${name}: ${outcome}`)
    }
  }
}

/**
 * Stocks the shop, then lets clients order, each its next request after its last was answered, until it is paused or stopped.
 *
 * @example const load = await startLoad({ config, apiUrl, shop: shopOf(run), clock: systemClock, seed: 1 })
 */
export const startLoad = async (options: LoadOptions): Promise<Load> => {
  const { apiUrl, shop, clock, seed, clients = 8, thinkMs = 150 } = options
  const faulty = await openFaultyOrders(options.config)
  const recorder = new Recorder()
  const state: { isStopped: boolean; gate: PromiseWithResolvers<void> | undefined } = {
    isStopped: false,
    gate: undefined,
  }
  const busy = new Set<Promise<void>>()

  const client = (index: number): ((request: LoadRequest) => Promise<void>) => {
    const random = createRandom(seed * 7_919 + index)
    return async request => {
      const send = (): Promise<FinalAnswer> =>
        request.kind === 'faulty-order'
          ? faulty.place(request)
          : sendUntilAnswered(request, { apiUrl, clock, random })
      const answer = await send()
      recorder.add(request, answer)
      if (answer.outcome === 'accepted' && request.kind !== 'keyless-order' && random() < repeatedShare)
        recorder.compare(request, answer, await send())
    }
  }
  const loop = async (index: number): Promise<void> => {
    const send = client(index)
    const random = createRandom(seed * 104_729 + index)
    for (let number = 1; ; number += 1) {
      await clock.sleep(random() * 2 * thinkMs)
      while (state.gate !== undefined && !state.isStopped) await state.gate.promise
      if (state.isStopped) return
      const working = send(nextRequest(random, shop, `${shop.run}:${index}:${number}`))
      busy.add(working)
      await working.finally(() => busy.delete(working))
    }
  }

  let probes = 0
  const probe = async (): Promise<number> => {
    const startedAt = clock.now()
    const sku = shop.plenty[probes % shop.plenty.length] ?? ''
    const key = `${shop.run}:probe:${(probes += 1)}`
    const request: LoadRequest = { kind: 'order', key, lines: [{ sku, quantity: 1 }] }
    const answer = await sendUntilAnswered(request, { apiUrl, clock, random: createRandom(probes) })
    recorder.add(request, answer)
    if (answer.id !== undefined) await untilEnded(apiUrl, answer.id, clock)
    return clock.now() - startedAt
  }
  const stock = client(clients)
  await Promise.all(initialRequests(shop).map(stock))
  const loops = Array.from({ length: clients }, (_, index) => loop(index))
  const pause = async (): Promise<void> => {
    state.gate ??= Promise.withResolvers<void>()
    await Promise.all(busy)
  }
  return {
    shop,
    record: recorder,
    answers: count => recorder.answers(count),
    probe,
    pause,
    resume: () => {
      state.gate?.resolve()
      state.gate = undefined
    },
    stop: async () => {
      state.isStopped = true
      state.gate?.resolve()
      await Promise.all(loops)
      await faulty.close()
      return recorder
    },
  }
}
