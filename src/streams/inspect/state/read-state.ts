import type { Clock } from '../../../core/clock.ts'
import { partitionFor } from '../../../kafka/partitioner.ts'
import type { Kafka, KafkaAdmin } from '../../../kafka/types.ts'
import { changelogTopicName, type Topology } from '../../dsl/graph.ts'
import { partitionsOf } from '../log/partitions.ts'
import { readRange } from '../log/read-range.ts'
import type { Decoded, ValueDecoder } from '../values/value-decoder.ts'
import { isInRange, LatestEntries, type KeyRange, type RawEntry } from './latest-entries.ts'

/** An entry of a store, decoded. Times in milliseconds since the epoch. */
export interface StateEntry {
  readonly key: Decoded
  readonly value: Decoded
  readonly partition: number
  /** Of the write, in the changelog. */
  readonly offset: number
  /** Event time of the write. */
  readonly timestamp: number
}

/** How far a partition of the changelog was read. */
export interface PartitionAsOf {
  readonly partition: number
  /** The end of what was committed, exclusive. */
  readonly offset: number
  /** Null where nothing was ever written. */
  readonly streamTime: number | null
}

/** What was read, and as of when. */
interface StateReading {
  readonly topology: string
  readonly store: string
  readonly changelog: string
  readonly readAt: number
  readonly asOf: readonly PartitionAsOf[]
}

export interface StateGet extends StateReading {
  /** One, or none; several only where tasks keep the same key each for itself. */
  readonly entries: readonly StateEntry[]
  /** When there is none: its deletion, where that has not been compacted away. */
  readonly deleted: Pick<StateEntry, 'partition' | 'offset' | 'timestamp'> | null
}

export interface StateScan extends StateReading {
  readonly entries: readonly StateEntry[]
  /** Keys that were asked for and are there; more than `entries` where there was a limit. */
  readonly keys: number
}

/** What reading needs. */
export interface StateSources {
  readonly kafka: Kafka
  readonly admin: KafkaAdmin
  readonly decoder: ValueDecoder
  readonly clock: Pick<Clock, 'now'>
  readonly signal: AbortSignal
  readonly onRead?: (records: number, of: number) => void
}

interface StoreName {
  readonly topology: Topology
  readonly store: string
}

const readPartitions = async (
  { kafka, admin, signal, onRead }: StateSources,
  changelog: string,
  numbers: readonly number[],
  isWanted: (key: Buffer) => boolean,
): Promise<{ readonly latest: LatestEntries; readonly asOf: readonly PartitionAsOf[] }> => {
  const partitions = numbers.map(partition => ({ topic: changelog, partition }))
  const starts = await admin.listOffsets(partitions, 'earliest')
  const ends = await admin.listOffsets(partitions, 'latest-committed')
  const sum = (positions: typeof ends): number => positions.reduce((total, { offset }) => total + offset, 0)
  const latest = new LatestEntries(isWanted)
  const reader = kafka.reader()
  let read = 0
  try {
    for await (const records of readRange(reader, { starts, ends }, signal)) {
      for (const record of records) latest.add(record)
      read += records.length
      onRead?.(read, sum(ends) - sum(starts))
    }
  } finally {
    await reader.close()
  }
  const asOf = ends.map(({ partition, offset }) => ({
    partition,
    offset,
    streamTime: latest.streamTime(partition) ?? null,
  }))
  return { latest, asOf }
}

const decodedEntries = async (
  decoder: ValueDecoder,
  raw: readonly RawEntry[],
): Promise<readonly StateEntry[]> => {
  await decoder.load(raw.flatMap(({ key, value }) => [key, value]))
  return raw.map(({ key, value, partition, offset, timestamp }) => ({
    key: decoder.decode(key),
    value: decoder.decode(value),
    partition,
    offset,
    timestamp,
  }))
}

/**
 * The committed value of one key, as the store's changelog gives it. The key's own partition is read first; a step may keep keys
 * that are not its records' keys (the ledger remembers orders beside their SKU), so the others follow where it is not there.
 * Memory: one entry per partition.
 *
 * Errors: SLUICE_KAFKA_UNKNOWN_TOPIC where the store's topology has never run.
 *
 * @example await getState(sources, { topology: orders, store: 'stock-ledger' }, Buffer.from('85123A'))
 */
export const getState = async (
  sources: StateSources,
  { topology, store }: StoreName,
  key: Buffer,
  onlyPartition?: number,
): Promise<StateGet> => {
  const changelog = changelogTopicName(topology, store)
  const numbers = (await partitionsOf(sources.admin, [changelog])).map(({ partition }) => partition)
  const home = onlyPartition ?? partitionFor(key, numbers.length)
  const others = onlyPartition === undefined ? numbers.filter(partition => partition !== home) : []
  const readAt = sources.clock.now()
  const asOf: PartitionAsOf[] = []
  let deleted: RawEntry | undefined
  for (const searched of [[home], others]) {
    const found = await readPartitions(sources, changelog, searched, candidate => candidate.equals(key))
    asOf.push(...found.asOf)
    deleted ??= found.latest.deletion
    const entries = await decodedEntries(sources.decoder, found.latest.sorted())
    if (entries.length > 0)
      return { topology: topology.name, store, changelog, readAt, asOf, entries, deleted: null }
  }
  const deletion =
    deleted === undefined
      ? null
      : { partition: deleted.partition, offset: deleted.offset, timestamp: deleted.timestamp }
  return { topology: topology.name, store, changelog, readAt, asOf, entries: [], deleted: deletion }
}

/**
 * The committed entries of a store whose keys lie in a range, in the order of their bytes; memory grows with the keys asked for.
 *
 * Errors: as `getState`.
 *
 * @example await scanState(sources, { topology: orders, store: 'stock-ledger' }, { prefix: Buffer.from('85') }, { limit: 100 })
 */
export const scanState = async (
  sources: StateSources,
  { topology, store }: StoreName,
  range: KeyRange,
  options: { readonly limit?: number | undefined; readonly partition?: number | undefined } = {},
): Promise<StateScan> => {
  const changelog = changelogTopicName(topology, store)
  const numbers = (await partitionsOf(sources.admin, [changelog])).map(({ partition }) => partition)
  const searched = options.partition === undefined ? numbers : [options.partition]
  const readAt = sources.clock.now()
  const { latest, asOf } = await readPartitions(sources, changelog, searched, key => isInRange(key, range))
  const sorted = latest.sorted()
  const entries = await decodedEntries(sources.decoder, sorted.slice(0, options.limit))
  return { topology: topology.name, store, changelog, readAt, asOf, entries, keys: sorted.length }
}
