import type { Clock } from '../../core/clock.ts'
import { SluiceError } from '../../core/errors.ts'
import type { Reply, ShopClient } from '../client.ts'
import { isRecord, problemCode } from '../client.ts'
import { forEachInFlight } from './in-flight.ts'
import { initialStockKey, outcomeOf, postAdjustment } from './send.ts'

/** A SKU and the units it begins with. */
export interface FirstStock {
  readonly sku: string
  readonly units: number
}

/** Which SKUs get how much first stock. */
export interface StockUpOptions {
  readonly stock: readonly FirstStock[]
  readonly inFlight: number
  readonly keyPrefix: string
  readonly shop: ShopClient
  readonly clock: Clock
  readonly signal?: AbortSignal
  readonly onProgress: (progress: {
    readonly phase: 'stocking' | 'waiting for stock'
    readonly done: number
    readonly total: number
  }) => void
  /** How long no further SKU may become sellable before the wait ends with an error. Default 60 s. */
  readonly patienceMs?: number
}

const pollIntervalMs = 200

/**
 * Gives every SKU its first stock, reason `initial`, and waits until each can be sold: stock is a credit, which the
 * ledger and settlement have to see before the order service may promise it.
 */
export const stockUp = async (options: StockUpOptions): Promise<void> => {
  const { stock, shop, keyPrefix, inFlight, onProgress, signal } = options
  let done = 0
  const fresh = new Map<string, number>()
  await forEachInFlight(stock, inFlight, async ({ sku, units }) => {
    signal?.throwIfAborted()
    const idempotencyKey = initialStockKey(keyPrefix, sku)
    const reply = await postAdjustment(shop, { sku, quantity: units, reason: 'initial', idempotencyKey })
    const outcome = outcomeOf(reply)
    if (outcome.kind !== 'accepted') throw refusedStock(sku, units, reply)
    if (!outcome.alreadyThere) fresh.set(sku, units)
    done += 1
    onProgress({ phase: 'stocking', done, total: stock.length })
  })
  await waitUntilSellable(options, fresh)
}

/** `fresh`: units that were added just now, and that must have arrived; others were there before. */
const waitUntilSellable = async (
  options: StockUpOptions,
  fresh: ReadonlyMap<string, number>,
): Promise<void> => {
  const { stock, clock, shop, inFlight, onProgress, signal, patienceMs = 60_000 } = options
  const total = stock.length
  let waiting: readonly string[] = stock.map(({ sku }) => sku)
  let lastAdvanceAt = clock.now()
  while (waiting.length > 0) {
    const still: string[] = []
    // One SKU that is behind is asked first each time: no sense in asking thousands while the flow has not begun.
    const probe = waiting[0] ?? ''
    if (!(await isSellable(shop, probe, fresh.get(probe)))) still.push(...waiting)
    else {
      await forEachInFlight(waiting.slice(1), inFlight, async sku => {
        signal?.throwIfAborted()
        if (!(await isSellable(shop, sku, fresh.get(sku)))) still.push(sku)
      })
    }
    if (still.length < waiting.length) lastAdvanceAt = clock.now()
    else if (clock.now() - lastAdvanceAt > patienceMs) throw notSellable(still, total, patienceMs)
    waiting = still
    onProgress({ phase: 'waiting for stock', done: total - waiting.length, total })
    if (waiting.length > 0) await clock.sleep(pollIntervalMs, signal)
  }
}

/**
 * A SKU can be sold from the moment its adjustment is settled; that it may be sold out by now changes nothing. Units added to a
 * SKU that had some have arrived when as many were ever available, sold ones included.
 */
const isSellable = async (shop: ShopClient, sku: string, added = 0): Promise<boolean> => {
  const { status, body } = await shop({ method: 'GET', path: `/stock/${encodeURIComponent(sku)}` })
  const sellable = isRecord(body) ? body['sellable'] : undefined
  if (status !== 200 || !isRecord(sellable) || typeof sellable['available'] !== 'number') return false
  const ledger = isRecord(body) && isRecord(body['ledger']) ? body['ledger'] : {}
  return sellable['available'] + Number(ledger['reserved'] ?? 0) + Number(ledger['sold'] ?? 0) >= added
}

const refusedStock = (sku: string, units: number, reply: Reply): SluiceError =>
  new SluiceError({
    code: 'SLUICE_IMPORT_STOCK_REFUSED',
    message: `the order service refused ${units} units of first stock for ${sku}: ${reply.status} ${problemCode(reply)}`,
    remedy:
      reply.status === 422
        ? 'this file was imported before with another --initial-stock: give the same number again'
        : 'correct what the answer names and import again',
    details: { sku, status: reply.status, problem: reply.body },
  })

const notSellable = (waiting: readonly string[], total: number, patienceMs: number): SluiceError =>
  new SluiceError({
    code: 'SLUICE_IMPORT_NOT_SELLABLE',
    message: `${waiting.length} of ${total} SKUs cannot be sold yet, e.g. ${waiting.slice(0, 3).join(', ')}; none came in ${patienceMs / 1000} s`,
    remedy:
      'see that `sluice relay` and `sluice run` are running (`sluice lag` shows where records wait), then import again',
    details: { waiting: waiting.length, total },
  })
