import { avro } from '../../../src/codec/avro.ts'
import { AvroCodecs } from '../../../src/codec/avro-codecs.ts'
import { httpSchemaRegistry } from '../../../src/codec/http-registry.ts'
import type { Clock } from '../../../src/core/clock.ts'
import { derivedId } from '../../../src/core/ids.ts'
import type { Random } from '../../../src/core/random.ts'
import { partitionFor } from '../../../src/kafka/partitioner.ts'
import type { Kafka, ProducedRecord } from '../../../src/kafka/types.ts'
import { bookPartitions, bookSchemas, type Book, type Move } from './book.ts'

const clients = Array.from({ length: 9 }, (_, index) => `client-${index}`)
const skus = Array.from({ length: 24 }, (_, index) => `sku-${index}`)

/** Moves without end; the same ones for the same seed. */
export function* seededMoves(random: Random, suffix: string): Generator<Move, never> {
  const pick = (among: readonly string[]): string => among[Math.floor(random() * among.length)] as string
  const numbers = new Map<string, number>()
  for (;;) {
    const client = pick(clients)
    const number = (numbers.get(client) ?? 0) + 1
    numbers.set(client, number)
    yield { eventId: derivedId(suffix, client, number), client, sku: pick(skus), number }
  }
}

const batchIntervalMs = 100

export interface WriteOptions {
  readonly book: Book
  readonly kafka: Kafka
  readonly registry: string
  readonly clock: Clock
}

/** How many, how fast, until when. */
export interface WritePace {
  readonly perSecond: number
  /** Default without end. */
  readonly count?: number
  readonly signal?: AbortSignal
}

/** Writes moves at a pace; resolves with all that were written, each acknowledged. */
export const writeMoves = async (
  moves: Iterator<Move>,
  { perSecond, count = Infinity, signal }: WritePace,
  { book, kafka, registry, clock }: WriteOptions,
): Promise<readonly Move[]> => {
  const topic = book.moves.name
  const type = avro<Move>(`${topic}-value`, bookSchemas.move)
  const codecs = new AvroCodecs(httpSchemaRegistry({ baseUrl: registry }))
  await codecs.prepare([type])
  const serde = codecs.serde(type)
  const recordOf = (move: Move): ProducedRecord => {
    const key = Buffer.from(move.client)
    const partition = partitionFor(key, bookPartitions)
    return { topic, partition, timestamp: clock.now(), key, value: serde.encode(move), headers: [] }
  }
  const producer = kafka.transactionalProducer(`writer-${topic}`)
  await producer.init()
  const written: Move[] = []
  const isOver = (): boolean => signal?.aborted === true || written.length >= count
  for (const startedAt = clock.now(); !isOver();) {
    await clock.sleep(batchIntervalMs)
    const due = Math.floor(((clock.now() - startedAt) * perSecond) / 1_000)
    const batch = Array.from(
      { length: Math.min(due, count) - written.length },
      () => moves.next().value as Move,
    )
    await producer.send(batch.map(recordOf))
    const outcome = await producer.commit()
    if (outcome !== 'committed') throw new Error(`moves were not written: ${outcome}`)
    written.push(...batch)
  }
  await producer.close()
  return written
}
