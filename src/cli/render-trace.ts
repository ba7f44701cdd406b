import type { OrderTrace, TraceStep } from '../orders/trace/types.ts'
import { escapeControls } from '../streams/inspect/values/escape.ts'
import { formatDuration, formatMinor } from './format.ts'

const placeOf = ({ place }: TraceStep): string =>
  place === null ? '' : `${place.topic}[${place.partition}]@${place.offset}`

/** The text of a step, with the place of its record where that says more than the step's name. */
const detailsOf = (step: TraceStep): string =>
  [step.text, placeOf(step)].filter(text => text !== '').join('  ')

const plus = (durationMs: number): string => `+${formatDuration(durationMs)}`

/** Steps with a time: since the first, since the one before, what, and where. */
const timeline = (steps: readonly TraceStep[]): string[] => {
  const timed = steps.filter(({ at }) => at !== null)
  const first = timed[0]?.at ?? 0
  const rows = timed.map((step, index) => {
    const time = step.at ?? 0
    const gap = time - (timed[index - 1]?.at ?? time)
    const since = index === 0 ? new Date(time).toISOString().slice(11, 23) : plus(time - first)
    return [since, gap === 0 ? '' : plus(gap), step.step, detailsOf(step)] as const
  })
  return columns(rows)
}

const columns = (rows: readonly (readonly [string, string, string, string])[]): string[] => {
  const width = (column: 0 | 1 | 2): number => Math.max(0, ...rows.map(row => row[column].length))
  return rows.map(([since, gap, step, text]) =>
    `  ${since.padStart(width(0))}  ${gap.padStart(width(1))}  ${step.padEnd(width(2))}  ${text}`.trimEnd(),
  )
}

const labelled = (label: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : ['', label, ...lines.map(line => `  ${line}`)]

const untimed = (steps: readonly TraceStep[]): string[] => {
  const width = Math.max(0, ...steps.map(({ step }) => step.length))
  return steps.map(step => {
    const open = step.state === 'open' ? `  (${step.waitsFor ?? ''})` : ''
    return `${step.step.padEnd(width)}  ${detailsOf(step)}${open}`.trimEnd()
  })
}

/** An order's way as a timeline: each step with the time since the first one and since the one before. */
export const renderTrace = (trace: OrderTrace): string => {
  const { customerId, deadLetters, elapsedMs, lines, notes, orderId, status, steps, totalMinor } = trace
  const facts = [
    ...(customerId === null ? [] : [`customer ${customerId}`]),
    ...(lines.length === 0 ? [] : [`${lines.length} ${lines.length === 1 ? 'line' : 'lines'}`]),
    ...(totalMinor === null ? [] : [formatMinor(totalMinor)]),
  ]
  const started = steps.find(({ at }) => at !== null)?.at
  const text = [
    `order ${orderId}  ${status}`,
    ...(facts.length === 0 ? [] : [facts.join(', ')]),
    ...(started === undefined || started === null
      ? []
      : ['', `${new Date(started).toISOString().slice(0, 10)} (UTC)`, ...timeline(steps)]),
    ...labelled(
      'without a time of its own',
      untimed(steps.filter(({ at, state }) => at === null && state !== 'waiting')),
    ),
    ...labelled(
      'waits for',
      steps
        .filter(({ state }) => state === 'waiting')
        .map(({ step, sku, waitsFor }) => `${step}${sku === null ? '' : ` ${sku}`}: ${waitsFor ?? ''}`),
    ),
    ...labelled(
      'dead letters',
      deadLetters.map(
        ({ place, code, message }) =>
          `${place.topic}[${place.partition}]@${place.offset}  ${code}: ${message}`,
      ),
    ),
    ...labelled('note', notes),
    ...(trace.complete ? ['', `complete in ${formatDuration(elapsedMs ?? 0)}`] : []),
  ]
  return text.map(escapeControls).join('\n')
}
