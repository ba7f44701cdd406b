import { derivedId } from '../../core/ids.ts'
import { partitionFor } from '../../kafka/partitioner.ts'
import type { ConsumedRecord, TopicDescription, TopicPartition } from '../../kafka/types.ts'
import { headerText } from '../../streams/dsl/message.ts'
import * as topics from '../../../topology/topics.ts'
import type { OrderRejected, StockUpdate } from '../../../schemas/types.ts'
import type { Place } from './types.ts'

/** A record of the order. Times in milliseconds since the epoch. */
export interface FoundRecord extends Place {
  /** Event time. */
  readonly timestamp: number
  /** When its transaction was committed, by the broker's clock; null while it is open, or when there was none. */
  readonly committedAt: number | null
  readonly isOpen: boolean
  /** Decoded; undefined where that failed. */
  readonly value: unknown
}

/** Topics keyed by the order's id. */
const orderTopics = [
  topics.outboxEvent.name,
  topics.orderCreated.name,
  topics.orderValidated.name,
  topics.orderConfirmed.name,
  topics.orderRejected.name,
]
/** Topics keyed by SKU. */
const skuTopics = [topics.stockMovement.name, topics.stockUpdate.name]

/** Topics that an order's records lie in. */
export const eventTopics: readonly string[] = [...orderTopics, ...skuTopics]

const movementTypes = ['line', 'sale', 'release'] as const
/** What the order's lines tell the ledger. */
type MovementType = (typeof movementTypes)[number]

/** Where an order's events lie, which records they are, and when all of a partition have been seen. Pure. */
export class OrderEvents {
  readonly #orderId: string
  readonly #skus: readonly string[]
  readonly #idOf: (type: MovementType, sku: string) => string
  readonly #ids: ReadonlySet<string>
  readonly #found: FoundRecord[] = []
  readonly #counts: ReadonlyMap<string, number>

  constructor(orderId: string, skus: readonly string[], described: readonly TopicDescription[]) {
    this.#orderId = orderId
    this.#skus = skus
    this.#counts = new Map(described.map(({ name, partitions }) => [name, partitions]))
    // The ids follow from the order (topology/movements.ts), so records of other orders need not be decoded.
    this.#idOf = (type, sku) => derivedId(orderId, type, sku)
    this.#ids = new Set(movementTypes.flatMap(type => skus.map(sku => this.#idOf(type, sku))))
  }

  /** The only partitions in which the order's events can be, of the topics that exist. */
  partitions(): TopicPartition[] {
    const placesOf = (names: readonly string[], keys: readonly string[]): TopicPartition[] =>
      names.flatMap(topic => {
        const count = this.#counts.get(topic)
        if (count === undefined) return []
        const numbers = new Set(keys.map(key => partitionFor(Buffer.from(key), count)))
        return [...numbers].map(partition => ({ topic, partition }))
      })
    return [...placesOf(orderTopics, [this.#orderId]), ...placesOf(skuTopics, this.#skus)]
  }

  /** Whether a record is an event of the order. */
  isOurs({ topic, key, headers }: Pick<ConsumedRecord, 'topic' | 'key' | 'headers'>): boolean {
    if (key === null) return false
    if (skuTopics.includes(topic)) return this.#ids.has(headerText(headers, 'id') ?? '')
    return key.toString('utf8') === this.#orderId
  }

  add(record: FoundRecord): void {
    this.#found.push(record)
  }

  /** The records of a marker are committed now, or were never there. */
  end({ topic, partition }: TopicPartition, offsets: readonly number[], committedAt: number | null): void {
    const isEnded = (record: FoundRecord): boolean =>
      record.isOpen &&
      record.topic === topic &&
      record.partition === partition &&
      offsets.includes(record.offset)
    for (const [index, record] of [...this.#found.entries()].toReversed()) {
      if (!isEnded(record)) continue
      if (committedAt === null) this.#found.splice(index, 1)
      else this.#found[index] = { ...record, committedAt, isOpen: false }
    }
  }

  /** The first of a topic that is an order's, e.g. `order-created`. */
  one(topic: string): FoundRecord | undefined {
    return this.#found.find(record => record.topic === topic)
  }

  /** The movement of a line, by its type. */
  movement(type: MovementType, sku: string): FoundRecord | undefined {
    return this.#of(topics.stockMovement.name, this.#idOf(type, sku))
  }

  /** What the ledger made of a movement. */
  update(type: MovementType, sku: string): (FoundRecord & { readonly value: StockUpdate }) | undefined {
    const found = this.#of(topics.stockUpdate.name, this.#idOf(type, sku))
    // Found by the id that its own value holds.
    return found as (FoundRecord & { readonly value: StockUpdate }) | undefined
  }

  /** Why the order was rejected, if it was. */
  rejection(): OrderRejected | undefined {
    return this.one(topics.orderRejected.name)?.value as OrderRejected | undefined
  }

  /** Whether the ledger was never asked, since the order's own rules refused it. */
  isFaulty(): boolean {
    const rejection = this.rejection()
    return rejection !== undefined && !rejection.reasons.some(({ code }) => code === 'oversold')
  }

  /** Whether nothing more of the order can come in a partition. */
  isComplete({ topic, partition }: TopicPartition): boolean {
    const isHere = (record: FoundRecord): boolean => record.topic === topic && record.partition === partition
    if (this.#found.some(record => isHere(record) && record.isOpen)) return false
    if (!skuTopics.includes(topic)) return this.#isOrderTopicComplete(topic)
    const count = this.#counts.get(topic) ?? 1
    return this.#skus
      .filter(sku => partitionFor(Buffer.from(sku), count) === partition)
      .every(sku => this.#isLineComplete(topic, sku))
  }

  #isOrderTopicComplete(topic: string): boolean {
    const { orderConfirmed, orderRejected, orderValidated } = topics
    switch (topic) {
      case orderConfirmed.name:
      case orderRejected.name:
        return this.one(orderConfirmed.name) !== undefined || this.one(orderRejected.name) !== undefined
      case orderValidated.name:
        return this.one(topic) !== undefined || this.isFaulty()
      default:
        return this.one(topic) !== undefined
    }
  }

  #isLineComplete(topic: string, sku: string): boolean {
    const has = (type: MovementType): boolean =>
      (topic === topics.stockMovement.name ? this.movement(type, sku) : this.update(type, sku)) !== undefined
    if (has('sale') || has('release')) return true
    return has('line') && this.update('line', sku)?.value.type === 'refusal'
  }

  #of(topic: string, eventId: string): FoundRecord | undefined {
    return this.#found.find(
      ({ topic: its, value }) => its === topic && (value as { eventId?: string } | null)?.eventId === eventId,
    )
  }
}
