import type { Clock } from '../../core/clock.ts'
import { SluiceError } from '../../core/errors.ts'
import type { ShopClient } from '../client.ts'
import { stockUp } from './initial-stock.ts'
import { forEachInFlight } from './in-flight.ts'
import { groupInvoices, interpretInvoice } from './invoice.ts'
import { addInvoice, emptyReport } from './report.ts'
import type { ImportReport } from './report.ts'
import { readRows, surveyFile } from './rows.ts'
import { keyPrefixOf, sendInvoice } from './send.ts'
import type { Invoice } from './types.ts'

/** What to import, and how. */
export interface ImportOptions {
  readonly file: string
  /** Units every SKU of the file gets before the first invoice is sent. */
  readonly initialStock: number
  /** Invoices of the file to read at most; all when absent. */
  readonly limit?: number
  /** Invoices under way at once. */
  readonly inFlight: number
  readonly shop: ShopClient
  readonly clock: Clock
  readonly signal?: AbortSignal
  /** Told often; the caller decides how often to show it. */
  readonly onProgress?: (progress: ImportProgress) => void
}

/** Where an import stands. */
export type ImportProgress =
  | { readonly phase: 'reading' }
  | { readonly phase: 'stocking' | 'waiting for stock'; readonly done: number; readonly total: number }
  | { readonly phase: 'sending'; readonly report: ImportReport }

/** What an import did and how long each part took. */
export interface ImportResult extends ImportReport {
  readonly file: string
  readonly skus: number
  readonly initialStock: number
  /** Reading the file once, to know its SKUs and that every row can be understood. */
  readonly surveyMs: number
  /** From the first adjustment until the last SKU can be sold. */
  readonly stockingMs: number
  /** From the first invoice's request to the last one's reply. */
  readonly sendingMs: number
  /** Accepted orders, and their lines, per second of sending. */
  readonly ordersPerSecond: number
  readonly linesPerSecond: number
}

/**
 * Imports an Online Retail file through the order service: first stock for every SKU of the file, then its invoices,
 * started in file order. Every request carries a key made of the file's content and the invoice, so a run that was
 * broken off is repeated from the start without effect on what is already there.
 *
 * Rejects with `SLUICE_IMPORT_*` for what is wrong with the file or the stock, `SLUICE_API_*` when the service is away.
 */
export const importFile = async (options: ImportOptions): Promise<ImportResult> => {
  const { clock, shop, onProgress = () => {} } = options
  const startedAt = clock.now()
  onProgress({ phase: 'reading' })
  const survey = await surveyFile(options.file)
  if (survey.rows === 0) {
    throw new SluiceError({
      code: 'SLUICE_IMPORT_FILE',
      message: `${options.file} holds no row`,
      remedy: 'import a file with at least one invoice',
    })
  }
  const keyPrefix = keyPrefixOf(survey.contentHash)

  const stockingAt = clock.now()
  const stock = survey.skus.map(sku => ({ sku, units: options.initialStock }))
  await stockUp({ ...options, onProgress, keyPrefix, stock })

  const sendingAt = clock.now()
  let report = emptyReport
  const invoices = takeInvoices(groupInvoices(readRows(options.file)), options.limit, options.signal)
  await forEachInFlight(invoices, options.inFlight, async invoice => {
    const interpretation = interpretInvoice(invoice)
    const outcome = await sendInvoice(shop, keyPrefix, invoice, interpretation.request)
    const name = invoice.occurrence === 1 ? invoice.invoiceNo : `${invoice.invoiceNo} (${invoice.occurrence})`
    report = addInvoice(report, { name, rows: invoice.rows.length }, interpretation, outcome)
    onProgress({ phase: 'sending', report })
  })
  const endedAt = clock.now()

  const sendingSeconds = Math.max(endedAt - sendingAt, 1) / 1_000
  return {
    ...report,
    file: options.file,
    skus: survey.skus.length,
    initialStock: options.initialStock,
    surveyMs: stockingAt - startedAt,
    stockingMs: sendingAt - stockingAt,
    sendingMs: endedAt - sendingAt,
    ordersPerSecond: report.orders.accepted / sendingSeconds,
    linesPerSecond: report.lines / sendingSeconds,
  }
}

async function* takeInvoices(
  invoices: AsyncIterable<Invoice>,
  limit = Number.POSITIVE_INFINITY,
  signal?: AbortSignal,
): AsyncGenerator<Invoice> {
  let taken = 0
  for await (const invoice of invoices) {
    signal?.throwIfAborted()
    yield invoice
    taken += 1
    if (taken >= limit) return
  }
}
