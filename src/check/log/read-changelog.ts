import { ledgerTopicOf, type LedgerChangelog, type LedgerEntry, type StockStateRow } from '../evidence.ts'
import { fieldsOf, integerOf, textOf } from '../fields.ts'
import type { Intern } from '../interner.ts'
import { absorb } from './absorb.ts'
import type { Brokers } from './brokers.ts'
import type { DecodedRecord } from './parse.ts'
import { readExtents, readRanges } from './raw-log.ts'
import type { RegistryDecoder } from './registry.ts'
import { TransactionResolver } from './transactions.ts'

interface ReadOptions {
  /** Put before each topic's name. Default none. */
  readonly topicPrefix?: string
  readonly intern: Intern
  readonly signal?: AbortSignal
}

/** A key's value at an offset; undefined when it was deleted. */
interface Version<T> {
  readonly key: string
  readonly offset: number
  readonly value: T | undefined
}

/** The last committed value of each key. Only that is kept while reading: a changelog may have many per key. */
const readLast = async <T>(
  brokers: Brokers,
  decoder: RegistryDecoder,
  topic: string,
  parseValue: (record: DecodedRecord) => T,
  onBatchRecords: (count: number) => void,
  { intern, signal }: ReadOptions,
): Promise<Map<string, T>> => {
  const extents = await readExtents(brokers, [topic])
  const partitions = new Map(
    extents.map(({ partition }) => [
      partition,
      { resolver: new TransactionResolver<Version<T>>(), last: new Map<string, Version<T>>() },
    ]),
  )
  const parse = (record: DecodedRecord): Version<T> => ({
    key: intern(record.key),
    offset: record.offset,
    value: record.value === null ? undefined : parseValue(record),
  })
  await readRanges(
    brokers,
    extents.map(({ partition, start, end }) => ({ topic, partition, from: start, to: end })),
    async (_topic, partition, batch) => {
      const known = partitions.get(partition)
      if (known === undefined) return
      const { resolver, last } = known
      await absorb(topic, partition, batch, resolver, decoder, parse)
      // A record becomes known when its marker is read, so a newer one may have come before it.
      for (const version of resolver.committed.splice(0))
        if (version.offset > (last.get(version.key)?.offset ?? -1)) last.set(version.key, version)
      resolver.aborted.length = 0
      onBatchRecords(batch.records.length)
    },
    signal,
  )
  const versions = [...partitions.values()].flatMap(({ last }) => [...last.values()])
  return new Map(
    versions.flatMap(({ key, value }): [string, T][] => (value === undefined ? [] : [[key, value]])),
  )
}

const levelOf = ({ value, where }: DecodedRecord): StockStateRow => {
  const fields = fieldsOf(value, where)
  return {
    version: integerOf(fields, 'version', where),
    onHand: integerOf(fields, 'onHand', where),
    reserved: integerOf(fields, 'reserved', where),
    sold: integerOf(fields, 'sold', where),
  }
}

/** Entries stand under `<SKU>|<order or adjustment>`; an id has no bar in it, a SKU may. */
const bySku = (
  entries: ReadonlyMap<string, LedgerEntry>,
  intern: Intern,
): Map<string, Map<string, LedgerEntry>> => {
  const grouped = new Map<string, Map<string, LedgerEntry>>()
  for (const [key, entry] of entries) {
    const bar = key.lastIndexOf('|')
    const sku = intern(key.slice(0, bar))
    const known = grouped.get(sku) ?? new Map<string, LedgerEntry>()
    grouped.set(sku, known.set(intern(key.slice(bar + 1)), entry))
  }
  return grouped
}

/** Reads the ledger's two changelogs. */
export const readChangelog = async (
  brokers: Brokers,
  decoder: RegistryDecoder,
  options: ReadOptions,
  onBatchRecords: (count: number) => void,
): Promise<LedgerChangelog> => {
  const { topicPrefix = '', intern } = options
  const entryOf = ({ value, where }: DecodedRecord): LedgerEntry => {
    const fields = fieldsOf(value, where)
    return {
      state: intern(textOf(fields, 'state', where)),
      quantity: integerOf(fields, 'quantity', where),
    }
  }
  const read = <T>(topic: string, parse: (record: DecodedRecord) => T): Promise<Map<string, T>> =>
    readLast(brokers, decoder, `${topicPrefix}${topic}`, parse, onBatchRecords, options)
  const levels = await read(ledgerTopicOf.levels, levelOf)
  const entries = await read(ledgerTopicOf.entries, entryOf)
  return { levels, entries: bySku(entries, intern) }
}
