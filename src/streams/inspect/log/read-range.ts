import type { ConsumedRecord, LogReader, OffsetPosition, TopicPartition } from '../../../kafka/types.ts'

/** From where to where partitions are read; `ends` are exclusive. */
export interface LogRange {
  readonly starts: readonly OffsetPosition[]
  readonly ends: readonly OffsetPosition[]
}

const recordsPerPoll = 5_000
const pollMs = 250

const placeOf = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`

/**
 * The records of a range, batch by batch, in offset order per partition. Whoever has seen enough of a partition removes it from the
 * reader. A batch may be empty, so that the caller can look at the time.
 *
 * @example for await (const records of readRange(reader, range, signal)) show(records)
 */
export async function* readRange(
  reader: LogReader,
  { starts, ends }: LogRange,
  signal: AbortSignal,
): AsyncGenerator<readonly ConsumedRecord[]> {
  const endOf = new Map(ends.map(end => [placeOf(end), end.offset]))
  const end = (of: TopicPartition): number => endOf.get(placeOf(of)) ?? 0
  const open = starts.filter(start => start.offset < end(start))
  reader.assign(open)
  const isOpen = (of: TopicPartition): boolean => (reader.position(of) ?? Infinity) < end(of)
  while (open.some(isOpen)) {
    signal.throwIfAborted()
    const records = await reader.poll(recordsPerPoll, pollMs)
    yield records.filter(record => record.offset < end(record))
  }
}
