import type { CheckReport, InvariantResult, Subject } from './types.ts'

const subjectText = (subject: Subject): string =>
  [
    subject.sku !== undefined && `SKU ${subject.sku}`,
    subject.orderId !== undefined && `order ${subject.orderId}`,
    subject.eventId !== undefined && `event ${subject.eventId}`,
    subject.topic !== undefined &&
      subject.topic +
        (subject.offset === undefined ? '' : ` partition ${subject.partition} offset ${subject.offset}`),
  ]
    .filter(part => part !== false)
    .join(', ')

const resultText = ({ ok, compared, violationCount }: InvariantResult): string => {
  if (ok) return 'ok'
  if (compared === 0) return 'FAILED: nothing to compare'
  return `FAILED: ${violationCount} ${violationCount === 1 ? 'violation' : 'violations'}`
}

const violationsText = ({ id, violations, violationCount }: InvariantResult): string[] => [
  '',
  ...violations.map(({ subject, message }) => `${id} ${subjectText(subject)}: ${message}`),
  ...(violationCount > violations.length ? [`${id} … and ${violationCount - violations.length} more`] : []),
]

/** The report as text for a terminal: one row per invariant, then every violation kept. Ends without a newline. */
export const renderCheck = (report: CheckReport): string => {
  const rows = [
    ['', 'what must hold', 'compared', 'result'] as const,
    ...report.invariants.map(
      result => [result.id, result.title, result.compared.toLocaleString('en'), resultText(result)] as const,
    ),
  ]
  const width = (column: 0 | 1 | 2 | 3): number => Math.max(...rows.map(row => row[column].length))
  const table = rows.map(([id, title, compared, result]) =>
    [id.padEnd(width(0)), title.padEnd(width(1)), compared.padStart(width(2)), result].join('  '),
  )
  const failed = report.invariants.filter(({ violationCount }) => violationCount > 0)
  const seconds = (report.durationMs / 1000).toFixed(1)
  const verdict = report.ok ? `all hold (${seconds} s)` : `NOT everything holds (${seconds} s)`
  return [...table, ...failed.flatMap(violationsText), '', verdict].join('\n')
}
