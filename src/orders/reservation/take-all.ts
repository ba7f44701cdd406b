import { SluiceError } from '../../core/errors.ts'
import { mapLimited } from '../../core/limited.ts'
import { wasNotTried } from './errors.ts'
import type { ReservationLine, ReservedLine, ReserveResult, StockShortage } from './types.ts'

/** One order's way to single SKUs. */
export interface LineTaker {
  /** @param again True when this order has taken the line and given it back before. */
  take(line: ReservationLine, again: boolean): Promise<ReservedLine | StockShortage>
  /** The shortage, if there is one now; takes nothing. */
  look(line: ReservationLine): Promise<StockShortage | undefined>
  giveBack(line: ReservedLine): Promise<void>
}

const isShortage = (result: ReservedLine | StockShortage): result is StockShortage => 'requested' in result

interface Attempt {
  readonly taken: readonly ReservedLine[]
  readonly short: readonly StockShortage[]
}

/** The same error, with the SKUs that may still be held. */
const withUnresolved = (error: unknown, unresolved: readonly string[]): unknown => {
  if (!(error instanceof SluiceError)) return error
  const { code, message, remedy, reaction, details } = error
  return new SluiceError({
    code,
    message,
    ...(remedy === undefined ? {} : { remedy }),
    reaction,
    details: { ...details, unresolved },
    cause: error,
  })
}

const checkDistinct = (lines: readonly ReservationLine[]): void => {
  const skus = new Set(lines.map(line => line.sku))
  if (skus.size === lines.length) return
  throw new SluiceError({
    code: 'SLUICE_STOCK_DUPLICATE_SKU',
    message: 'an order may reserve each SKU in one line only',
    remedy: 'merge the lines of one SKU before reserving',
  })
}

/**
 * Takes all lines or none.
 *
 * Lines are taken in parallel. Two orders that each took what the other lacks would both fail so; therefore the loser gives
 * back, looks whether what it lacked is there now, and if so tries once more in SKU order, in which one of them wins.
 *
 * @param releaseAll Gives back whatever may have been taken of these SKUs, when it is not known what was.
 */
export const takeAll = async (
  taker: LineTaker,
  lines: readonly ReservationLine[],
  parallelLines: number,
  releaseAll: (skus: readonly string[]) => Promise<void>,
): Promise<ReserveResult> => {
  checkDistinct(lines)
  const sorted = lines.toSorted((one, other) => (one.sku < other.sku ? -1 : 1))
  const begun = new Set<string>()

  const attempt = async (limit: number): Promise<Attempt> => {
    const taken: ReservedLine[] = []
    const short: StockShortage[] = []
    const uncertain: string[] = []
    const again = new Set(begun)
    try {
      await mapLimited(sorted, limit, async line => {
        if (short.length > 0) return
        begun.add(line.sku)
        try {
          const result = await taker.take(line, again.has(line.sku))
          if (isShortage(result)) short.push(result)
          else taken.push(result)
        } catch (error) {
          if (!wasNotTried(error)) uncertain.push(line.sku)
          throw error
        }
      })
      if (short.length > 0) await mapLimited(taken, parallelLines, line => taker.giveBack(line))
    } catch (error) {
      // What cannot be given back now, the reaper finds by the intent.
      const begunSkus = [...uncertain, ...taken.map(line => line.sku)]
      const unresolved = await releaseAll(begunSkus).then(
        () => [],
        () => begunSkus,
      )
      throw withUnresolved(error, unresolved)
    }
    return { taken, short }
  }

  const inOrder = (taken: readonly ReservedLine[]): ReservedLine[] => {
    const bySku = new Map(taken.map(line => [line.sku, line]))
    return lines.flatMap(line => bySku.get(line.sku) ?? [])
  }

  const first = await attempt(parallelLines)
  if (first.short.length === 0) return { ok: true, lines: inOrder(first.taken) }

  const enough = new Set(first.taken.map(line => line.sku))
  const doubtful = sorted.filter(line => !enough.has(line.sku))
  // With nothing taken there was nobody to stand in the way of.
  if (first.taken.length === 0 && doubtful.length === first.short.length) {
    return { ok: false, outOfStock: first.short }
  }
  const looks = await mapLimited(doubtful, parallelLines, line => taker.look(line))
  const short = looks.filter(look => look !== undefined)
  if (short.length > 0) return { ok: false, outOfStock: short }

  const second = await attempt(1)
  return second.short.length === 0
    ? { ok: true, lines: inOrder(second.taken) }
    : { ok: false, outOfStock: second.short }
}
