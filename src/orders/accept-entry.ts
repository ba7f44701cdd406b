import type { Clock } from '../core/clock.ts'
import type { CrashPoints } from '../core/crash-points.ts'
import { SluiceError, messageOf } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import type { EntryRepository } from './entry-repository.ts'
import type { IdempotencyKeys } from './idempotency.ts'
import { silentMetrics } from './metrics.ts'
import type { OrderMetrics } from './metrics.ts'
import type {
  ReservationIntents,
  ReservationLine,
  Reservations,
  ReserveResult,
  ReservedLine,
  StockShortage,
} from './reservation/types.ts'

/** A request to turn into an entry: an order, or an adjustment. */
interface EntryRequest<Entry> {
  readonly newId: () => string
  /** What has to be taken in Cassandra before Postgres may know of it; empty for a credit. */
  readonly take: readonly ReservationLine[]
  readonly build: (id: string, createdAt: number, reserved: readonly ReservedLine[]) => Entry
  readonly repository: EntryRepository<Entry>
  /** Present when the client sent an Idempotency-Key. */
  readonly idempotency?: { readonly key: string; readonly fingerprint: string } | undefined
}

/** How a request ended; whatever else happens is thrown as a `SluiceError`. */
export type EntryResult<Entry> =
  | { readonly kind: 'accepted'; readonly entry: Entry; readonly replayed: boolean }
  | { readonly kind: 'out-of-stock'; readonly outOfStock: readonly StockShortage[] }
  | { readonly kind: 'key-of-other-request' }
  | { readonly kind: 'key-in-progress' }

interface AcceptEntryOptions {
  readonly postgres: { readonly suspect: boolean; ping(): Promise<void> }
  readonly idempotency: IdempotencyKeys
  readonly reservations: Reservations
  readonly intents: ReservationIntents
  readonly clock: Clock
  readonly log: Logger
  readonly metrics?: OrderMetrics
  /** Attempts to commit before the entry is given up, default 3. */
  readonly commitAttempts?: number
  /** After this time nothing is reserved any more: the reaper may have been there. Default 20,000 ms. */
  readonly reserveWithinMs?: number | undefined
  readonly crash?: CrashPoints | undefined
}

/** The protocol of section 3 of the design: reserve, then commit; whoever gives back first abandons the id. */
export interface EntryAcceptance {
  accept<Entry>(request: EntryRequest<Entry>): Promise<EntryResult<Entry>>
  /** Resolves when nothing is left to do in the background. */
  drain(): Promise<void>
}

const abandoned = (id: string): SluiceError =>
  new SluiceError({
    code: 'SLUICE_ENTRY_ABANDONED',
    message: `entry ${id} took too long and was given up by the reaper or by a retry of the request`,
    remedy: 'send the request again',
    reaction: 'retry',
    details: { id },
  })

/** The SKUs a failed reservation may still hold; undefined when it does not say. */
const unresolvedOf = (error: unknown): string[] | undefined => {
  const unresolved = error instanceof SluiceError ? error.details['unresolved'] : undefined
  return Array.isArray(unresolved) ? unresolved.map(String) : undefined
}

/**
 * @example
 * const { accept } = createEntryAcceptance({ postgres, idempotency, reservations, intents, clock, log })
 * const result = await accept({ newId: newOrderId, take: lines, build, repository: orders })
 */
export const createEntryAcceptance = (options: AcceptEntryOptions): EntryAcceptance => {
  const { postgres, idempotency, reservations, intents, clock, log, crash } = options
  const metrics = options.metrics ?? silentMetrics
  const commitAttempts = options.commitAttempts ?? 3
  const reserveWithinMs = options.reserveWithinMs ?? 20_000
  const background = new Set<Promise<void>>()

  const later = (what: string, id: string, work: () => Promise<void>): void => {
    const done = work().catch((error: unknown) => {
      log.warn({ id, error: messageOf(error) }, `${what} failed; the reaper or the lease will see to it`)
    })
    background.add(done)
    void done.finally(() => background.delete(done))
  }

  const skusOf = <Entry>(request: EntryRequest<Entry>): string[] => request.take.map(line => line.sku)

  /** Postgres holds the entry afterwards (true), or it never will and its stock was given back (false). */
  const resolveUnaccepted = async <Entry>(
    request: EntryRequest<Entry>,
    id: string,
    skus: readonly string[] = skusOf(request),
  ): Promise<boolean> => {
    if ((await request.repository.abandonUnlessAccepted(id)) === 'accepted') return true
    if (skus.length > 0) await reservations.release(id, skus)
    await dropKey(request, id)
    return false
  }

  const dropKey = async <Entry>(request: EntryRequest<Entry>, id: string): Promise<void> => {
    const key = request.idempotency?.key
    if (key === undefined) return
    try {
      await idempotency.drop(key, id)
    } catch (error) {
      log.warn(
        { id, error: messageOf(error) },
        'an idempotency key could not be given back; its lease will end it',
      )
    }
  }

  /** A claim whose answer was lost would keep the client's own retries out until the lease ends. */
  const claimKey: IdempotencyKeys['claim'] = async request => {
    try {
      return await idempotency.claim(request)
    } catch (error) {
      if (!(error instanceof SluiceError) || error.details['outcome'] !== 'unknown') throw error
      return idempotency.claim(request)
    }
  }

  /**
   * Commits through conflicts, lost connections and unknown outcomes: the statement changes nothing the second time. False
   * when a row was there: an earlier attempt's, or the abandonment of whoever took us for dead.
   */
  const commit = async <Entry>(request: EntryRequest<Entry>, id: string, entry: Entry): Promise<boolean> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await request.repository.commit(entry, request.idempotency?.key)
      } catch (error) {
        const retry = error instanceof SluiceError && error.reaction === 'retry'
        if (!retry || attempt >= commitAttempts) throw error
        log.warn({ id, attempt, error: messageOf(error) }, 'a commit failed and is tried again')
        await clock.sleep(50 * attempt)
      }
    }
  }

  const recordIntent = async <Entry>(request: EntryRequest<Entry>, id: string, at: number): Promise<void> => {
    const skus = skusOf(request)
    try {
      await metrics.time('intent', () => intents.record(id, skus, at))
      crash?.('order.after-intent')
      if (clock.now() - at > reserveWithinMs) throw abandoned(id)
    } catch (error) {
      await dropKey(request, id)
      throw error
    }
  }

  const reserve = async <Entry>(
    request: EntryRequest<Entry>,
    id: string,
    forgetIntent: () => void,
  ): Promise<ReserveResult> => {
    if (request.take.length === 0) return { ok: true, lines: [] }
    try {
      return await metrics.time('reserve', () => reservations.reserve(id, request.take))
    } catch (error) {
      const unresolved = unresolvedOf(error)
      if (unresolved?.length === 0) {
        forgetIntent()
        await dropKey(request, id)
        throw error
      }
      // Cassandra did not answer in time, so giving back may take as long: not while the client waits.
      later('giving back', id, async () => {
        await resolveUnaccepted(request, id, unresolved)
      })
      throw error
    }
  }

  const run = async <Entry>(
    request: EntryRequest<Entry>,
    id: string,
    at: number,
  ): Promise<EntryResult<Entry>> => {
    const forgetIntent = (): void => {
      if (request.take.length > 0) later('removing an intent', id, () => intents.remove(id, at))
    }
    if (request.take.length > 0) await recordIntent(request, id, at)
    const reserved = await reserve(request, id, forgetIntent)
    if (!reserved.ok) {
      forgetIntent()
      crash?.('order.before-drop-key')
      await dropKey(request, id)
      return { kind: 'out-of-stock', outOfStock: reserved.outOfStock }
    }
    crash?.('order.after-reserve')
    const entry = request.build(id, at, reserved.lines)
    try {
      if (!(await metrics.time('commit', () => commit(request, id, entry)))) throw abandoned(id)
    } catch (error) {
      const accepted = await resolveUnaccepted(request, id).catch((failure: unknown) => {
        log.error(
          { id, error: messageOf(failure) },
          'an entry could not be given back; the reaper will do it',
        )
        throw error
      })
      // The intent stays with a failed entry: the reaper looks once more, which costs little and forgives a lot.
      if (!accepted) throw error
    }
    crash?.('order.after-commit')
    forgetIntent()
    return { kind: 'accepted', entry, replayed: false }
  }

  const replay = async <Entry>(request: EntryRequest<Entry>, id: string): Promise<EntryResult<Entry>> => {
    const entry = await request.repository.find(id)
    if (entry === undefined) throw abandoned(id)
    return { kind: 'accepted', entry, replayed: true }
  }

  const accept = async <Entry>(request: EntryRequest<Entry>): Promise<EntryResult<Entry>> => {
    // With Postgres away, stock would be taken only to be given back, and not before it is there again.
    if (postgres.suspect) await postgres.ping()
    const id = request.newId()
    const at = clock.now()
    const { idempotency: wanted } = request
    if (wanted === undefined) return run(request, id, at)

    const claim = await metrics.time('idempotency', () => claimKey({ ...wanted, entryId: id }))
    if (claim.kind === 'fresh') return run(request, id, at)
    if (claim.kind === 'done') return replay(request, claim.entryId)
    if (claim.kind === 'other-request') return { kind: 'key-of-other-request' }
    if (claim.kind === 'in-progress') return { kind: 'key-in-progress' }

    // The same request, so the same SKUs: its dead owner's stock can be given back from here.
    const former = claim.entryId
    if ((await request.repository.abandonUnlessAccepted(former)) === 'accepted') {
      await idempotency.complete(wanted.key, former)
      return replay(request, former)
    }
    crash?.('takeover.after-abandon')
    if (request.take.length > 0) await reservations.release(former, skusOf(request))
    crash?.('takeover.after-release')
    if (!(await idempotency.takeOver(wanted.key, former, id))) return { kind: 'key-in-progress' }
    return run(request, id, at)
  }

  return {
    accept,
    drain: async () => {
      while (background.size > 0) await Promise.all(background)
    },
  }
}
