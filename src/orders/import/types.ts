import type { Decimal } from './money.ts'

/** One row of an Online Retail file, checked but not yet judged. */
export interface RetailRow {
  /** Line of the file, the heading being 1; for error messages. */
  readonly lineNumber: number
  readonly invoiceNo: string
  /** Trimmed and upper-cased; may hold spaces and `_`. */
  readonly sku: string
  readonly quantity: bigint
  readonly unitPrice: Decimal
  /** As orders carry it: `17850`, or `guest`. */
  readonly customerId: string
}

/** Consecutive rows of one number. A number that comes again later is another invoice: `occurrence` 2. */
export interface Invoice {
  readonly invoiceNo: string
  readonly occurrence: number
  readonly rows: readonly RetailRow[]
}

/** Why a row makes nothing. */
export type SkippedRowReason = 'quantity not positive' | 'price not positive' | 'quantity zero in a return'

/** Why an invoice makes nothing. */
export type SkippedInvoiceReason = 'no order row left' | 'no return row left'

/** One line of an order as the order service takes it. */
export interface ImportedLine {
  readonly sku: string
  readonly quantity: number
  /** Sum over the line's rows of quantity x price, each rounded half up to minor units. */
  readonly amountMinor: number
}

/** What an invoice asks of the order service. */
export type InvoiceRequest =
  | { readonly kind: 'order'; readonly customerId: string; readonly lines: readonly ImportedLine[] }
  | {
      readonly kind: 'return'
      readonly units: readonly { readonly sku: string; readonly quantity: number }[]
    }
  | { readonly kind: 'skipped'; readonly reason: SkippedInvoiceReason }

/** An invoice's request, and the rows that are not in it. */
export interface Interpretation {
  readonly request: InvoiceRequest
  readonly skippedRows: Readonly<Partial<Record<SkippedRowReason, number>>>
}
