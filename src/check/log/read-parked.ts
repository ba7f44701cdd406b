import type { KafkaRecord } from '@platformatic/kafka'
import type { Brokers } from './brokers.ts'
import { readExtents, readRanges } from './raw-log.ts'
import { isCommitMarker, isControl, TransactionResolver } from './transactions.ts'

/** Where a record lies, as one text. */
export const placeOf = (topic: string, partition: number, offset: number): string =>
  `${topic}/${partition}/${offset}`

const headerNames = ['topic', 'partition', 'offset'].map(name => `__streams.errors.${name}`)

/** The record that a dead letter stands for. The last header of a name counts: those of the record itself come first. */
const sourceOf = ({ headers }: KafkaRecord): string => {
  const textOf = (name: string): string =>
    headers.findLast(([found]) => found?.toString('utf8') === name)?.[1]?.toString('utf8') ?? ''
  const [topic = '', partition, offset] = headerNames.map(textOf)
  return placeOf(topic, Number(partition), Number(offset))
}

/** The places of all records that a committed dead letter stands for; none where the topic does not exist. */
export const readParked = async (
  brokers: Brokers,
  topic: string,
  signal?: AbortSignal,
): Promise<ReadonlySet<string>> => {
  const extents = await readExtents(brokers, [topic])
  const resolvers = new Map(extents.map(({ partition }) => [partition, new TransactionResolver<string>()]))
  await readRanges(
    brokers,
    extents.map(({ partition, start, end }) => ({ topic, partition, from: start, to: end })),
    (_topic, partition, batch) => {
      const resolver = resolvers.get(partition)
      if (!isControl(batch)) {
        resolver?.add(batch, batch.records.map(sourceOf))
        return
      }
      for (const { key } of batch.records) {
        const committed = isCommitMarker(key)
        if (committed !== undefined) resolver?.mark(batch.producerId, committed)
      }
    },
    signal,
  )
  return new Set([...resolvers.values()].flatMap(({ committed }) => committed))
}
