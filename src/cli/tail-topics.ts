import { systemClock } from '../core/clock.ts'
import { SluiceError } from '../core/errors.ts'
import { parseTailStart } from '../streams/inspect/tail/start.ts'
import { tailTopics, type TailItem } from '../streams/inspect/tail/tail-topics.ts'
import { escapeControls } from '../streams/inspect/values/escape.ts'
import { withLogs } from './inspect.ts'
import { processTerminal, type Terminal } from './print.ts'
import { jsonOf, renderDecoded, renderTime } from './render-decoded.ts'
import { stopSignal } from './until-stopped.ts'

/** What `sluice topics tail` may be told. */
export interface TailFlags {
  readonly json?: boolean
  readonly from: string
  readonly follow: boolean
  readonly headers?: boolean
  readonly uncommitted?: boolean
  /** As typed: UTF-8. */
  readonly key?: string
  readonly partition?: number
  readonly limit?: number
}

/** Prints records as they come, until the end, the limit, Ctrl-C, or until nobody reads the output any more. */
export const tail = async (
  topics: readonly string[],
  flags: TailFlags,
  signal: AbortSignal = outputSignal(),
  terminal: Terminal = processTerminal,
): Promise<void> => {
  const start = parseTailStart(flags.from, systemClock.now())
  if (start === undefined) throw wrongStart(flags.from)
  const limit = flags.limit ?? Infinity
  const render = flags.json === true ? itemJson : renderItem
  await withLogs(async access => {
    const { follow, partition, uncommitted = false } = flags
    const key = flags.key === undefined ? undefined : Buffer.from(flags.key, 'utf8')
    const items = tailTopics({ ...access, topics, start, follow, partition, uncommitted, key, signal })
    let shown = 0
    for await (const item of items) {
      terminal.out(`${render(item, flags)}\n`)
      if ('shown' in item && ++shown >= limit) return
      if (signal.aborted) return
    }
  }).catch((error: unknown) => {
    if (!signal.aborted) throw error
  })
}

/** Aborts when told to stop, and when the reader of a pipe (`| head`) has gone. */
const outputSignal = (): AbortSignal => {
  const closed = new AbortController()
  process.stdout.on('error', error => closed.abort(error))
  return AbortSignal.any([stopSignal(true), closed.signal])
}

const textOf = (value: Buffer): string => escapeControls(value.toString('utf8'))

/** One line: time, place, key, value; headers in lines below. */
export const renderItem = (
  item: TailItem,
  { headers, uncommitted }: Pick<TailFlags, 'headers' | 'uncommitted'>,
): string => {
  if ('ended' in item) {
    const { at, offsets, outcome, partition, topic } = item.ended
    return `${renderTime(at)}  ${topic}[${partition}]@${offsets.join(',@')}  ${outcome}`
  }
  const { key, record, state, value } = item.shown
  const mark = uncommitted === true && state !== 'committed' ? `  (${state})` : ''
  const line = `${renderTime(record.timestamp)}  ${record.topic}[${record.partition}]@${record.offset}${mark}  ${renderDecoded(key)}  ${renderDecoded(value)}`
  if (headers !== true) return line
  return [
    line,
    ...record.headers.map(([name, content]) => `    ${escapeControls(name)}: ${textOf(content)}`),
  ].join('\n')
}

/** One JSON object, in one line. */
export const itemJson = (
  item: TailItem,
  { headers, uncommitted }: Pick<TailFlags, 'headers' | 'uncommitted'>,
): string => {
  if ('ended' in item) {
    const { at, offsets, outcome, partition, topic } = item.ended
    return JSON.stringify({ ended: outcome, topic, partition, offsets, at })
  }
  const { key, record, state, value } = item.shown
  const { offset, partition, timestamp, topic } = record
  const json = {
    topic,
    partition,
    offset,
    timestamp,
    key: jsonOf(key),
    value: jsonOf(value),
    ...(value.kind === 'avro' ? { schemaId: value.schemaId } : {}),
    ...(headers === true
      ? { headers: record.headers.map(([name, content]) => [name, content.toString('utf8')]) }
      : {}),
    ...(uncommitted === true ? { transaction: state } : {}),
  }
  return escapeControls(JSON.stringify(json))
}

const wrongStart = (text: string): SluiceError =>
  new SluiceError({
    code: 'SLUICE_CLI_USAGE',
    message: `"${text}" is no place to begin at`,
    remedy:
      'write now, start, -<n> (records before the end), a time (2026-11-26T01:20:00Z), or how long ago (90s, 15m, 2h, 1d)',
  })
