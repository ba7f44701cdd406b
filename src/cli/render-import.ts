import type { ImportProgress, ImportResult } from '../orders/import/import.ts'
import { formatCount, formatDuration, formatMinor, formatTally } from './format.ts'

/** An import's report as people read it. */
export const renderImport = (result: ImportResult): string => {
  const { orders, returns, skipped } = result
  const lines = [
    `read        ${formatCount(result.invoices)} invoices, ${formatCount(result.rows)} rows of ${result.file}`,
    `stock       ${formatCount(result.skus)} SKUs with ${formatCount(result.initialStock)} units each, sellable after ${formatDuration(result.stockingMs)}`,
    `orders      ${formatCount(orders.accepted)} accepted${among(orders.alreadyThere)}, ${formatCount(orders.rejected)} rejected${because(orders.rejectedBy)}`,
    `            ${formatCount(result.lines)} lines, ${formatCount(result.units)} units, ${formatMinor(result.totalMinor)} in all`,
    `returns     ${formatCount(returns.accepted)} accepted (${formatCount(returns.adjustments)} adjustments, ${formatCount(returns.units)} units), ${formatCount(returns.rejected)} rejected${because(returns.rejectedBy)}`,
    `skipped     ${formatCount(total(skipped.invoices))} invoices${because(skipped.invoices)}, ${formatCount(total(skipped.rows))} rows${because(skipped.rows)}`,
    `time        ${formatDuration(result.sendingMs)} of sending: ${result.ordersPerSecond.toFixed(1)} orders/s, ${result.linesPerSecond.toFixed(1)} lines/s`,
    ...result.refusals.map(({ invoice, code, detail }) =>
      `refused     ${invoice}: ${code} ${detail}`.trimEnd(),
    ),
  ]
  return lines.join('\n')
}

/** Where an import stands, in one line. */
export const renderImportProgress = (progress: ImportProgress): string => {
  switch (progress.phase) {
    case 'reading':
      return 'reading the file'
    case 'stocking':
      return `first stock: ${formatCount(progress.done)} of ${formatCount(progress.total)} SKUs`
    case 'waiting for stock':
      return `waiting until it can be sold: ${formatCount(progress.done)} of ${formatCount(progress.total)} SKUs`
    case 'sending': {
      const { invoices, orders, returns, lines } = progress.report
      return `${formatCount(invoices)} invoices: ${formatCount(orders.accepted)} orders (${formatCount(lines)} lines), ${formatCount(returns.accepted)} returns, ${formatCount(orders.rejected + returns.rejected)} rejected`
    }
  }
}

const total = (tally: Readonly<Record<string, number>>): number =>
  Object.values(tally).reduce((sum, count) => sum + count, 0)

const because = (tally: Readonly<Record<string, number>>): string =>
  total(tally) === 0 ? '' : ` (${formatTally(tally)})`

const among = (alreadyThere: number): string =>
  alreadyThere === 0 ? '' : ` (${formatCount(alreadyThere)} of them by an earlier request)`
