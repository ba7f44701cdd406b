import { SluiceError } from '../../core/errors.ts'
import { amountMinor } from './money.ts'
import type { Interpretation, Invoice, InvoiceRequest, RetailRow, SkippedRowReason } from './types.ts'

/** Rows to invoices: consecutive rows of one number are one; memory is one number per invoice seen. */
export async function* groupInvoices(rows: AsyncIterable<RetailRow>): AsyncGenerator<Invoice> {
  const occurrences = new Map<string, number>()
  let open: RetailRow[] = []
  const close = (): Invoice => {
    const invoiceNo = open[0]?.invoiceNo ?? ''
    const occurrence = (occurrences.get(invoiceNo) ?? 0) + 1
    occurrences.set(invoiceNo, occurrence)
    return { invoiceNo, occurrence, rows: open }
  }
  for await (const row of rows) {
    if (open.length > 0 && open[0]?.invoiceNo !== row.invoiceNo) {
      yield close()
      open = []
    }
    open.push(row)
  }
  if (open.length > 0) yield close()
}

/** An invoice whose number begins with `C` gives goods back. */
const isReturn = (invoice: Invoice): boolean => invoice.invoiceNo.startsWith('C')

/**
 * What an invoice asks of the order service, and which of its rows ask for nothing.
 *
 * Whether the service takes it (up to 2,000 lines, a line up to 1,000,000 units) is for the service to say:
 * the limits are written down once, there.
 */
export const interpretInvoice = (invoice: Invoice): Interpretation =>
  isReturn(invoice) ? interpretReturn(invoice) : interpretOrder(invoice)

const interpretOrder = (invoice: Invoice): Interpretation => {
  const { kept, skippedRows } = sift(invoice.rows, row => {
    if (row.quantity <= 0n) return 'quantity not positive'
    return row.unitPrice.digits <= 0n ? 'price not positive' : undefined
  })
  const first = kept[0]
  if (first === undefined) return { request: { kind: 'skipped', reason: 'no order row left' }, skippedRows }
  const lines = mergeBySku(kept, row => amountMinor(row.quantity, row.unitPrice)).map(
    ([sku, { quantity, amount }]) => ({
      sku,
      quantity: toSafeNumber(quantity, invoice),
      amountMinor: toSafeNumber(amount, invoice),
    }),
  )
  return { request: { kind: 'order', customerId: first.customerId, lines }, skippedRows }
}

const interpretReturn = (invoice: Invoice): Interpretation => {
  const { kept, skippedRows } = sift(invoice.rows, row =>
    row.quantity === 0n ? 'quantity zero in a return' : undefined,
  )
  if (kept.length === 0) return { request: { kind: 'skipped', reason: 'no return row left' }, skippedRows }
  // A return's rows are negative in every file seen; each row counts by its size, so that a stray positive one
  // in a C invoice gives goods back too and never cancels another row.
  const units = mergeBySku(kept, () => 0n).map(([sku, { quantity }]) => ({
    sku,
    quantity: toSafeNumber(quantity, invoice),
  }))
  const request: InvoiceRequest = { kind: 'return', units }
  return { request, skippedRows }
}

const sift = (
  rows: readonly RetailRow[],
  reasonToSkip: (row: RetailRow) => SkippedRowReason | undefined,
): { kept: RetailRow[]; skippedRows: Partial<Record<SkippedRowReason, number>> } => {
  const kept: RetailRow[] = []
  const skippedRows: Partial<Record<SkippedRowReason, number>> = {}
  for (const row of rows) {
    const reason = reasonToSkip(row)
    if (reason === undefined) kept.push(row)
    else skippedRows[reason] = (skippedRows[reason] ?? 0) + 1
  }
  return { kept, skippedRows }
}

/** One entry per SKU, in order of first appearance. */
const mergeBySku = (
  rows: readonly RetailRow[],
  amountOf: (row: RetailRow) => bigint,
): [sku: string, sums: { quantity: bigint; amount: bigint }][] => {
  const bySku = new Map<string, { quantity: bigint; amount: bigint }>()
  for (const row of rows) {
    const size = row.quantity < 0n ? -row.quantity : row.quantity
    const sums = bySku.get(row.sku) ?? { quantity: 0n, amount: 0n }
    bySku.set(row.sku, { quantity: sums.quantity + size, amount: sums.amount + amountOf(row) })
  }
  return [...bySku]
}

const toSafeNumber = (value: bigint, invoice: Invoice): number => {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new SluiceError({
      code: 'SLUICE_IMPORT_TOO_LARGE',
      message: `invoice ${invoice.invoiceNo} (line ${invoice.rows[0]?.lineNumber}) sums to ${value}, more than a number can hold exactly`,
      remedy: 'correct the file: no invoice is this large',
    })
  }
  return Number(value)
}
