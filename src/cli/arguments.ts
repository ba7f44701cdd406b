import { InvalidArgumentError } from 'commander'
import { SluiceError } from '../core/errors.ts'

/** A whole number of at least 1, as commander's argument parser wants it. */
export const parseCount = (text: string): number => {
  const value = Number(text)
  if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(value) || value < 1) {
    throw new InvalidArgumentError('a whole number of at least 1 is wanted.')
  }
  return value
}

/** A partition's number, from 0, as commander's argument parser wants it. */
export const parsePartition = (text: string): number => {
  if (!/^[0-9]{1,6}$/.test(text))
    throw new InvalidArgumentError('the number of a partition (from 0) is wanted.')
  return Number(text)
}

/** A port to listen on, 0 for any that is free, as commander's argument parser wants it. */
export const parsePort = (text: string): number => {
  if (!/^[0-9]+$/.test(text) || Number(text) > 65_535) {
    throw new InvalidArgumentError('a port from 0 (any that is free) to 65535 is wanted.')
  }
  return Number(text)
}

/** A whole number, negative ones too; rejects others with `SLUICE_CLI_USAGE`. */
export const parseInteger = (text: string): number => {
  const value = Number(text)
  if (!/^[+-]?[0-9]+$/.test(text) || !Number.isSafeInteger(value)) {
    throw new SluiceError({
      code: 'SLUICE_CLI_USAGE',
      message: `"${text}" is not a whole number`,
      remedy: 'write digits only, with - before them to take away',
    })
  }
  return value
}

export interface LineArgument {
  readonly sku: string
  readonly quantity: number
  readonly unitPriceMinor: number
}

/**
 * An order's line as typed: SKU:QUANTITY:PRICE. The SKU may hold colons itself, so the last two count.
 *
 * @example parseLine('85123A:6:255') // { sku: '85123A', quantity: 6, unitPriceMinor: 255 }
 */
export const parseLine = (text: string): LineArgument => {
  const match = /^(.+):([0-9]+):([0-9]+)$/.exec(text)
  if (match === null) {
    throw new SluiceError({
      code: 'SLUICE_CLI_USAGE',
      message: `"${text}" is not a line of an order`,
      remedy: 'write SKU:QUANTITY:PRICE, the price of one unit in minor units, e.g. 85123A:6:255',
    })
  }
  return { sku: match[1] ?? '', quantity: Number(match[2]), unitPriceMinor: Number(match[3]) }
}

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/**
 * A time as typed, ISO 8601 or how long ago, in milliseconds since the epoch; as commander's argument parser wants it.
 *
 * @example parseSince('2h', clock.now())
 */
export const parseSince = (text: string, nowMs: number): number => {
  const [, count, unit = ''] = /^([0-9]{1,6})([smhd])$/.exec(text) ?? []
  if (count !== undefined) return nowMs - Number(count) * (unitMs[unit] ?? 0)
  const atMs = /^[0-9]{4}-[0-9]{2}-[0-9]{2}/.test(text) ? Date.parse(text) : NaN
  if (Number.isNaN(atMs))
    throw new InvalidArgumentError('a time like 2026-03-01T09:00:00Z, or 90s, 15m, 2h, 3d ago, is wanted.')
  return atMs
}
