/** A decimal number as written: `digits` x 10^-`scale`, so that no price ever passes through a float. */
export interface Decimal {
  readonly digits: bigint
  readonly scale: number
}

/** Minor units of one major unit, as a power of ten (two for pounds, dollars, euros). */
const minorUnitScale = 2

/** Reads `2.55`, `-3`, `0.001`; undefined for anything else, an exponent too. */
export const parseDecimal = (text: string): Decimal | undefined => {
  const match = /^(-?[0-9]+)(?:\.([0-9]+))?$/.exec(text)
  if (match === null) return undefined
  const fraction = match[2] ?? ''
  return { digits: BigInt(`${match[1]}${fraction}`), scale: fraction.length }
}

/**
 * Quantity x price in minor units, rounded half up. Both are at least 0.
 *
 * @example amountMinor(1, { digits: 2575n, scale: 3 }) // 258n: 2.575 rounds up
 */
export const amountMinor = (quantity: bigint, price: Decimal): bigint => {
  const amount = quantity * price.digits * 10n ** BigInt(minorUnitScale)
  const divisor = 10n ** BigInt(price.scale)
  return (2n * amount + divisor) / (2n * divisor)
}
