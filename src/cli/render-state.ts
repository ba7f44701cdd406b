import type { PartitionAsOf, StateEntry, StateGet, StateScan } from '../streams/inspect/state/read-state.ts'
import { formatCount, formatDuration } from './format.ts'
import type { ListedStore } from './inspect-state.ts'
import { renderTable } from './print.ts'
import { jsonOf, renderDecoded, renderTime } from './render-decoded.ts'

/** A result as JSON prints it: values plain, undecodable ones as `{ hex, undecodable }`. */
export const stateJson = <T extends StateGet | StateScan>(result: T) => ({
  ...result,
  entries: result.entries.map(entry => ({ ...entry, key: jsonOf(entry.key), value: jsonOf(entry.value) })),
})

const asOfLines = (readAt: number, asOf: readonly PartitionAsOf[]): string[] => [
  `as of ${renderTime(readAt)}, committed:`,
  ...asOf.map(
    ({ partition, offset, streamTime }) =>
      `  [${partition}] up to offset ${formatCount(offset)}${streamTime === null ? '' : `, stream time ${renderTime(streamTime)}`}`,
  ),
]

const prettyValue = ({ value }: StateEntry): string =>
  value.kind === 'avro' && typeof value.value === 'object' && value.value !== null
    ? Object.entries(value.value)
        .map(([name, field]) => `  ${name}  ${renderDecoded({ ...value, value: field })}`)
        .join('\n')
    : `  ${renderDecoded(value)}`

/** One key: its fields, when it was written, and as of when that is so. */
export const renderStateGet = ({
  asOf,
  changelog,
  deleted,
  entries,
  readAt,
  store,
  topology,
}: StateGet): string => {
  const found = entries.flatMap(entry => [
    renderDecoded(entry.key),
    prettyValue(entry),
    `written at event time ${renderTime(entry.timestamp)}: ${changelog}[${entry.partition}]@${entry.offset}`,
  ])
  const gone =
    deleted === null
      ? `${topology} / ${store} has no such key`
      : `${topology} / ${store} has no such key any more: deleted at event time ${renderTime(deleted.timestamp)}, ${changelog}[${deleted.partition}]@${deleted.offset}`
  return [...(entries.length === 0 ? [gone] : found), ...asOfLines(readAt, asOf)].join('\n')
}

/** Keys and values, one a line. */
export const renderStateScan = ({ asOf, entries, keys, readAt }: StateScan): string => {
  const rows = entries.map(({ key, partition, timestamp, value }) => [
    renderDecoded(key),
    `[${partition}]`,
    renderTime(timestamp),
    renderDecoded(value),
  ])
  const counted =
    entries.length < keys
      ? `${formatCount(entries.length)} of ${formatCount(keys)} keys (--limit shows more)`
      : `${formatCount(keys)} ${keys === 1 ? 'key' : 'keys'}`
  return [
    ...(rows.length === 0 ? [] : [renderTable(['key', 'in', 'event time', 'value'], rows), '']),
    counted,
    ...asOfLines(readAt, asOf),
  ].join('\n')
}

/** Stores and their changelogs. */
export const renderStores = (stores: readonly ListedStore[]): string => {
  if (stores.length === 0) return 'no stores: these topologies keep no state'
  const rows = stores.map(({ changelog, offsets, partitions, retentionMs, store, topology }) => [
    topology,
    store,
    changelog,
    partitions ?? 'none yet',
    offsets === null ? '' : formatCount(offsets),
    retentionMs === null ? 'until deleted' : formatDays(retentionMs),
  ])
  return renderTable(['topology', 'store', 'changelog', 'partitions', 'offsets', 'kept'], rows)
}

const millisecondsPerDay = 86_400_000

const formatDays = (durationMs: number): string =>
  durationMs % millisecondsPerDay === 0
    ? `${durationMs / millisecondsPerDay} days after its end`
    : `${formatDuration(durationMs)} after its end`
