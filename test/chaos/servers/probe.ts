import type { Clock } from '../../../src/core/clock.ts'
import { isRecord } from '../../../src/orders/client.ts'

/** What the order service said to requests that nobody repeated. */
export interface Probe {
  /** How often each status came; `none` when the connection broke. */
  readonly statuses: Readonly<Record<string, number>>
  /** What no client may see: 500, 503 without Retry-After, no answer at all. */
  readonly violations: readonly string[]
  /** Sends an order and waits until it is confirmed: how long that took; undefined when it took longer than `patienceMs`. */
  pulse(patienceMs: number): Promise<number | undefined>
  /** While the service itself is away, no answer is no fault. */
  expectSilence(isExpected: boolean): void
  /** Asks nothing, and has every answer, while something is done that needs rest. */
  quiet<T>(work: () => Promise<T>): Promise<T>
  stop(): Promise<void>
}

export interface ProbeOptions {
  readonly apiUrl: string
  /** A SKU with units enough. */
  readonly sku: string
  readonly run: string
  readonly clock: Clock
}

interface Answer {
  readonly status: number
  readonly retryAfter: string | null
  readonly body: unknown
}

const intervalMs = 400
const answerWithinMs = 30_000
const allowed = new Set([200, 201, 404, 409, 429])

/** A SKU cannot be sold, nor seen, before settlement has heard of its first stock. */
const isOutOfStock = ({ status, body }: Answer): boolean =>
  status === 400 && isRecord(body) && body['code'] === 'OutOfStock'

/** Asks the order service every now and then, orders and stock, until it is stopped. */
export const startProbe = ({ apiUrl, sku, run, clock }: ProbeOptions): Probe => {
  const statuses: Record<string, number> = {}
  const violations: string[] = []
  const over = new AbortController()
  let isSilenceExpected = false
  let isStocked = false
  let number = 0

  const ask = async (path: string, init: RequestInit = {}): Promise<Answer | undefined> => {
    const wasSilent = isSilenceExpected
    try {
      const response = await fetch(new URL(path, apiUrl), {
        ...init,
        signal: AbortSignal.timeout(answerWithinMs),
      })
      const body: unknown = await response.json()
      const answer = { status: response.status, retryAfter: response.headers.get('retry-after'), body }
      const name = `${init.method ?? 'GET'} ${path.split('/')[1]} ${answer.status}`
      statuses[name] = (statuses[name] ?? 0) + 1
      isStocked ||= answer.status === 201
      const isClean =
        allowed.has(answer.status) ||
        (answer.status === 503 && answer.retryAfter !== null) ||
        (!isStocked && isOutOfStock(answer))
      if (!isClean) violations.push(`${name}, Retry-After ${answer.retryAfter}: ${JSON.stringify(body)}`)
      return answer
    } catch (error) {
      statuses['none'] = (statuses['none'] ?? 0) + 1
      const isTimeout = error instanceof Error && error.name === 'TimeoutError'
      if (isTimeout && !wasSilent && !isSilenceExpected)
        violations.push(`${init.method ?? 'GET'} ${path}: no answer within ${answerWithinMs / 1_000} s`)
      return undefined
    }
  }
  const order = async (key: string): Promise<Answer | undefined> =>
    ask('/orders', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify({ customerId: key, lines: [{ sku, quantity: 1, unitPriceMinor: 100 }] }),
    })

  const waiting = new Set<Promise<unknown>>()
  let rest: Promise<void> | undefined
  const loop = async (): Promise<void> => {
    while (!over.signal.aborted) {
      if (rest !== undefined) {
        await rest
        continue
      }
      const asked = number % 3 === 0 ? ask(`/stock/${sku}`) : order(`probe-${run}-${number}`)
      number += 1
      waiting.add(asked)
      void asked.finally(() => waiting.delete(asked))
      await clock.sleep(intervalMs)
    }
  }
  const looping = loop()
  return {
    statuses,
    violations,
    pulse: async patienceMs => {
      const startedAt = clock.now()
      const isLate = (): boolean => clock.now() - startedAt > patienceMs
      const key = `pulse-${run}-${++number}`
      let id: string | undefined
      while (!isLate()) {
        const answer: Answer | undefined = id === undefined ? await order(key) : await ask(`/orders/${id}`)
        const { id: given, status } = isRecord(answer?.body) ? answer.body : {}
        if (answer?.status === 201) id = String(given)
        else if (status === 'confirmed') return clock.now() - startedAt
        await clock.sleep(50)
      }
      return undefined
    },
    expectSilence: isExpected => {
      isSilenceExpected = isExpected
    },
    quiet: async work => {
      const resting = Promise.withResolvers<void>()
      rest = resting.promise
      try {
        await Promise.all(waiting)
        return await work()
      } finally {
        rest = undefined
        resting.resolve()
      }
    },
    stop: async () => {
      over.abort()
      await looping
      await Promise.all(waiting)
    },
  }
}
