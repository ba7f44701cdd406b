import type { Interpretation, InvoiceRequest } from './types.ts'

/** How many of each kind; keys are reasons or codes as people read them. */
export type Tally = Readonly<Record<string, number>>

/** What an import has done so far, and at its end. */
export interface ImportReport {
  readonly invoices: number
  /** Rows read of those invoices. */
  readonly rows: number
  readonly orders: {
    readonly accepted: number
    /** Of `accepted`: taken by an earlier request: of an earlier run of the same file, or of this one, its answer lost. */
    readonly alreadyThere: number
    readonly rejected: number
    readonly rejectedBy: Tally
  }
  readonly returns: {
    readonly accepted: number
    /** One per SKU of a return. */
    readonly adjustments: number
    readonly rejected: number
    readonly rejectedBy: Tally
    readonly units: number
  }
  readonly skipped: { readonly invoices: Tally; readonly rows: Tally }
  /** Of the accepted orders. */
  readonly lines: number
  readonly units: number
  readonly totalMinor: number
  /** The first refusals, whole, so that a reader knows where to look. */
  readonly refusals: readonly { readonly invoice: string; readonly code: string; readonly detail: string }[]
}

const refusalsKept = 10

/** What became of one request. */
export type Outcome =
  | { readonly kind: 'accepted'; readonly alreadyThere: boolean }
  | { readonly kind: 'rejected'; readonly code: string; readonly detail: string }
  | { readonly kind: 'skipped' }

export const emptyReport: ImportReport = {
  invoices: 0,
  rows: 0,
  orders: { accepted: 0, alreadyThere: 0, rejected: 0, rejectedBy: {} },
  returns: { accepted: 0, adjustments: 0, rejected: 0, rejectedBy: {}, units: 0 },
  skipped: { invoices: {}, rows: {} },
  lines: 0,
  units: 0,
  totalMinor: 0,
  refusals: [],
}

/** Adds one invoice and what became of it. */
export const addInvoice = (
  report: ImportReport,
  invoice: { readonly name: string; readonly rows: number },
  { request, skippedRows }: Interpretation,
  outcome: Outcome,
): ImportReport => {
  const counted: ImportReport = {
    ...addRequest(report, request, outcome),
    invoices: report.invoices + 1,
    rows: report.rows + invoice.rows,
  }
  const rows = Object.entries(skippedRows).reduce(
    (tally, [reason, count]) => add(tally, reason, count),
    counted.skipped.rows,
  )
  const refused = outcome.kind === 'rejected' && counted.refusals.length < refusalsKept
  return {
    ...counted,
    skipped: { ...counted.skipped, rows },
    refusals: refused
      ? [...counted.refusals, { invoice: invoice.name, code: outcome.code, detail: outcome.detail }]
      : counted.refusals,
  }
}

const addRequest = (report: ImportReport, request: InvoiceRequest, outcome: Outcome): ImportReport => {
  switch (request.kind) {
    case 'skipped':
      return {
        ...report,
        skipped: { ...report.skipped, invoices: add(report.skipped.invoices, request.reason) },
      }
    case 'order':
      if (outcome.kind === 'rejected') return { ...report, orders: addRejection(report.orders, outcome.code) }
      return {
        ...report,
        orders: {
          ...report.orders,
          accepted: report.orders.accepted + 1,
          alreadyThere: report.orders.alreadyThere + (isRepeated(outcome) ? 1 : 0),
        },
        lines: report.lines + request.lines.length,
        units: report.units + sum(request.lines, line => line.quantity),
        totalMinor: report.totalMinor + sum(request.lines, line => line.amountMinor),
      }
    case 'return':
      if (outcome.kind === 'rejected')
        return { ...report, returns: addRejection(report.returns, outcome.code) }
      return {
        ...report,
        returns: {
          ...report.returns,
          accepted: report.returns.accepted + 1,
          adjustments: report.returns.adjustments + request.units.length,
          units: report.returns.units + sum(request.units, line => line.quantity),
        },
      }
  }
}

const isRepeated = (outcome: Outcome): boolean => outcome.kind === 'accepted' && outcome.alreadyThere

const addRejection = <T extends { readonly rejected: number; readonly rejectedBy: Tally }>(
  part: T,
  code: string,
): T => ({
  ...part,
  rejected: part.rejected + 1,
  rejectedBy: add(part.rejectedBy, code),
})

const add = (tally: Tally, key: string, count = 1): Tally => ({ ...tally, [key]: (tally[key] ?? 0) + count })

const sum = <T>(items: readonly T[], valueOf: (item: T) => number): number =>
  items.reduce((total, item) => total + valueOf(item), 0)
