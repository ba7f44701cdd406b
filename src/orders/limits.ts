/** What the service accepts; the HTTP schemas, the merged order and the documentation all read it from here. */
export const limits = {
  bodyBytes: 512 * 1024,
  linesPerOrder: 2_000,
  /** Units per line, and per SKU after lines were merged. */
  quantity: 1_000_000,
  /** Units, either direction. */
  adjustmentQuantity: 1_000_000_000,
  /** Minor units of the currency: a price, or the amount of a line as requested. */
  priceMinor: 9_000_000_000_000,
  /** Minor units: what a line or a whole order can come to and still be exact in JSON. */
  amountMinor: Number.MAX_SAFE_INTEGER,
  skuCharacters: 128,
  skuBytes: 256,
  customerCharacters: 128,
  reasonCharacters: 64,
  idempotencyKeyCharacters: 255,
} as const
