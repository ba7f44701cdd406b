import type { SettleReport } from '../streams/dead-letters/settle.ts'
import type { ShownBytes } from '../streams/dead-letters/shown-bytes.ts'
import type { LetterStatus } from '../streams/dead-letters/status.ts'
import type { LetterHeadline } from '../streams/dead-letters/summary.ts'
import type { ShownLetter, TopologyLetters } from './dlq-read.ts'
import { formatCount } from './format.ts'
import { renderTable } from './print.ts'

const longestMessage = 100

const minute = (iso: string): string => (iso === '' ? '-' : iso.slice(0, 16).replace('T', ' '))

const letterCount = (count: number): string => `${formatCount(count)} letter${count === 1 ? '' : 's'}`

const oneLine = (text: string, longest: number): string => {
  const line = text.replaceAll(/\s+/g, ' ')
  return line.length > longest ? `${line.slice(0, longest)}…` : line
}

const sourceText = ({ topic, partition, offset }: LetterHeadline['source']): string =>
  `${topic}[${partition}] offset ${offset}`

/** Groups and letters of each topology. */
export const renderLetters = (topologies: readonly TopologyLetters[]): string =>
  topologies.map(renderTopology).join('\n\n')

const renderTopology = (of: TopologyLetters): string => {
  if (!of.exists) return `${of.topology}: nothing was ever parked (there is no topic ${of.topic})`
  const settled = of.retried + of.dropped
  const totals = `${of.topology}: ${letterCount(of.open)} open, ${of.retried} retried, ${of.dropped} dropped`
  if (of.matching === 0) return of.open + settled === 0 ? totals : `${totals}; none of them matches`
  const groups = of.groups.map(({ count, topic, step, code, first, last }) => [
    count,
    topic,
    step,
    code,
    minute(first),
    minute(last),
  ])
  const letters = of.letters.map(letter => [
    letter.id,
    sourceText(letter.source),
    letter.step,
    letter.retries,
    letter.status?.state ?? 'open',
    oneLine(letter.message, longestMessage),
  ])
  const more = of.matching - of.letters.length
  return [
    totals,
    '',
    renderTable(['count', 'source', 'step', 'code', 'first', 'last'], groups),
    '',
    renderTable(['id', 'source', 'step', 'retries', 'state', 'message'], letters),
    ...(more > 0 ? [`… and ${letterCount(more)} more (--limit)`] : []),
  ].join('\n')
}

const statusText = (status: LetterStatus | undefined): string => {
  if (status === undefined) return 'open'
  const reason = status.reason === undefined ? '' : `: ${status.reason}`
  return `${status.state} at ${status.at} by ${status.by}${reason}`
}

/** JSON also of what Avro's longs may be. */
export const jsonText = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part), 2)

const bytesText = (shown: ShownBytes | null): string => {
  if (shown === null) return 'none'
  const size = `${formatCount(shown.bytes)} bytes`
  const dump = shown.hex === undefined ? (shown.text ?? '') : `hex ${shown.hex}`
  if (shown.schemaId === undefined) return `${dump} (${size})`
  if (shown.why === undefined) return `schema ${shown.schemaId}, ${size}\n${indented(jsonText(shown.value))}`
  return `${size}, not decoded: ${shown.why}\n${indented(dump)}`
}

const indented = (text: string): string =>
  text
    .split('\n')
    .map(line => `  ${line}`)
    .join('\n')

/** One letter, from what happened to the bytes. */
export const renderLetter = (letter: ShownLetter): string => {
  const lost =
    letter.leftOut.length === 0
      ? []
      : [
          `not kept    ${letter.leftOut.join(', ')}: too large for the dead letter topic` +
            (letter.valueBytes === undefined
              ? ''
              : `; the value had ${formatCount(letter.valueBytes)} bytes, SHA-256 ${letter.valueSha256 ?? ''}`),
        ]
  return [
    letter.id,
    `state       ${statusText(letter.status)}`,
    `source      ${sourceText(letter.source)}`,
    `step        ${letter.step} (task ${letter.task})`,
    `parked      ${letter.parkedAt}`,
    `event time  ${new Date(letter.timestamp).toISOString()}`,
    `code        ${letter.code} (docs/errors.md)`,
    `exception   ${letter.exception}`,
    ...letter.earlier.map(
      ({ id, parkedAt, message, status }) =>
        `earlier     ${id}, parked ${parkedAt}: ${oneLine(message, longestMessage)}; ${statusText(status)}`,
    ),
    ...lost,
    'headers',
    ...letter.headers.map(([name, value]) => `  ${name}: ${oneLine(value, longestMessage)}`),
    `key         ${bytesText(letter.key)}`,
    `value       ${bytesText(letter.value)}`,
    'stack',
    indented(letter.stackTrace),
  ].join('\n')
}

/** What a retry or a drop has done. */
export const renderSettled = (verb: 'retried' | 'dropped', { done, refused }: SettleReport): string => {
  if (done.length + refused.length === 0) return 'no open letter matches'
  return [
    `${letterCount(done.length)} ${verb}`,
    ...refused.map(({ message, code }) => `not: ${message} (${code})`),
  ].join('\n')
}
