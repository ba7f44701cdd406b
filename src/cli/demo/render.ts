import { renderCheck } from '../../check/render.ts'
import { formatCount, formatDuration, formatTally } from '../format.ts'
import type { DemoResult } from './run.ts'
import type { SentOrders } from './send.ts'
import type { FlowState } from './watch.ts'

/** Where the orders stand, in one line. */
export const renderFlow = (answers: SentOrders, total: number, { orders, lag }: FlowState): string =>
  [
    `${formatCount(answers.sent)} of ${formatCount(total)} orders sent`,
    `${formatCount(answers.accepted)} accepted`,
    `${formatCount(answers.outOfStock)} out of stock`,
    `${formatCount(answers.invalid)} invalid`,
    `${formatCount(orders['confirmed'] ?? 0)} confirmed`,
    `${formatCount(orders['rejected'] ?? 0)} rejected`,
    `lag ${formatCount(lag)}`,
  ].join(', ')

/** A demonstration told in a few lines, the audit's table included. */
export const renderDemo = (result: DemoResult): string => {
  const { answers, ends, sendingMs, settlingMs } = result
  const ordersPerSecond = answers.sent / (Math.max(sendingMs, 1) / 1_000)
  const story = [
    `${formatCount(answers.sent)} orders were sent in ${formatDuration(sendingMs)} (${ordersPerSecond.toFixed(0)} a second):`,
    `  ${formatCount(answers.accepted)} accepted, ${formatCount(answers.outOfStock)} refused as out of stock, ${formatCount(answers.invalid)} refused as invalid.`,
    `Of the accepted, ${formatTally(ends) || 'none has ended'}; the last one ${formatDuration(settlingMs)} after the last answer.`,
    '',
    renderCheck(result.check),
    '',
    result.ok ? `All as it should be, in ${formatDuration(result.totalMs)}.` : 'NOT all is as it should be:',
    ...result.faults.map(fault => `  ${fault}`),
    `Logs: ${result.logFolder}`,
  ]
  if (result.left === undefined) return story.join('\n')
  const { urls, pids } = result.left
  return [
    ...story,
    '',
    'Left running:',
    ...Object.entries(urls).map(([name, url]) => `  ${name.padEnd(9)} ${url}`),
    `Stop it with: kill ${pids.join(' ')} && ./bin/sluice stack down`,
  ].join('\n')
}
