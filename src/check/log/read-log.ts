import { ledgerTopicOf, topicOf, type LogEvidence, type Streams } from '../evidence.ts'
import type { Intern } from '../interner.ts'
import { absorb } from './absorb.ts'
import type { Brokers } from './brokers.ts'
import { parsers, type DecodedRecord } from './parse.ts'
import { readChangelog } from './read-changelog.ts'
import { placeOf, readParked } from './read-parked.ts'
import { readExtents, readRanges, type Extent } from './raw-log.ts'
import { RegistryDecoder } from './registry.ts'
import { withoutRetriedCopies } from './retried-copies.ts'
import { TransactionResolver } from './transactions.ts'

interface ReadOptions {
  /** Put before each topic's name. Default none. */
  readonly topicPrefix?: string
  readonly intern: Intern
  readonly signal?: AbortSignal
  /** Called with the records read so far. */
  readonly onRecords?: (count: number) => void
}

interface Resolved<T> {
  readonly committed: T[]
  readonly aborted: T[]
  readonly undecided: number
  readonly partitionCount: number
}

/** Topics that the order flow alone reads: what it parked there has had no effect, and has one when it is sent again. */
const readByFlowAlone: ReadonlySet<keyof Streams> = new Set(['outbox', 'created', 'validated', 'movements'])

const readStream = async <Name extends keyof Streams>(
  brokers: Brokers,
  decoder: RegistryDecoder,
  name: Name,
  options: ReadOptions,
  parked: ReadonlySet<string>,
  onBatchRecords: (count: number) => void,
): Promise<Resolved<Streams[Name][number]>> => {
  type Item = Streams[Name][number]
  const extents: Extent[] = await readExtents(brokers, [`${options.topicPrefix ?? ''}${topicOf[name]}`])
  const resolvers = new Map(extents.map(({ partition }) => [partition, new TransactionResolver<Item>()]))
  const ranges = extents.map(({ topic, partition, start, end }) => ({
    topic,
    partition,
    from: start,
    to: end,
  }))
  const parse = (record: DecodedRecord): Item | undefined => parsers[name](record, options.intern)
  await readRanges(
    brokers,
    ranges,
    async (topic, partition, batch) => {
      const resolver = resolvers.get(partition)
      if (resolver === undefined) return
      const isParked = (offset: number): boolean =>
        readByFlowAlone.has(name) && parked.has(placeOf(topic, partition, offset))
      await absorb(topic, partition, batch, resolver, decoder, parse, isParked)
      onBatchRecords(batch.records.length)
    },
    options.signal,
  )
  // A record becomes known when its marker is read, so two producers' records can come out of offset order.
  const inOrder = (pick: (resolver: TransactionResolver<Item>) => Item[]): Item[] =>
    [...resolvers.values()].flatMap(resolver =>
      pick(resolver).sort((one, other) => one.offset - other.offset),
    )
  return {
    committed: withoutRetriedCopies(inOrder(resolver => resolver.committed)),
    aborted: inOrder(resolver => resolver.aborted),
    undecided: [...resolvers.values()].reduce((sum, resolver) => sum + resolver.undecidedCount(), 0),
    partitionCount: extents.length,
  }
}

/** Reads all event topics raw and sorts their records into committed and aborted by the transaction markers. */
export const readLog = async (
  brokers: Brokers,
  registryUrl: string,
  options: ReadOptions,
): Promise<LogEvidence> => {
  const decoder = new RegistryDecoder(registryUrl)
  let count = 0
  const onBatchRecords = (records: number): void => {
    count += records
    options.onRecords?.(count)
  }
  const parked = await readParked(
    brokers,
    `${options.topicPrefix ?? ''}${ledgerTopicOf.parked}`,
    options.signal,
  )
  const read = <Name extends keyof Streams>(name: Name): Promise<Resolved<Streams[Name][number]>> =>
    readStream(brokers, decoder, name, options, parked, onBatchRecords)
  // Downstream first: an effect that is read has its cause in what is read afterwards, even while orders flow.
  const changelog = await readChangelog(brokers, decoder, options, onBatchRecords)
  const updates = await read('updates')
  const confirmed = await read('confirmed')
  const rejected = await read('rejected')
  const movements = await read('movements')
  const validated = await read('validated')
  const created = await read('created')
  const outbox = await read('outbox')
  const all = { outbox, created, validated, confirmed, rejected, movements, updates }
  const pick = (part: 'committed' | 'aborted'): Streams => ({
    outbox: outbox[part],
    created: created[part],
    validated: validated[part],
    confirmed: confirmed[part],
    rejected: rejected[part],
    movements: movements[part],
    updates: updates[part],
  })
  const perTopic = (value: (resolved: Resolved<unknown>) => number): Map<string, number> =>
    new Map(Object.entries(all).map(([name, resolved]) => [topicOf[name as keyof Streams], value(resolved)]))
  return {
    partitionCounts: perTopic(resolved => resolved.partitionCount),
    committed: pick('committed'),
    aborted: pick('aborted'),
    changelog,
    undecided: perTopic(resolved => resolved.undecided),
  }
}
