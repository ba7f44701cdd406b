import type { Intern } from '../interner.ts'
import { absorb } from './absorb.ts'
import type { Brokers } from './brokers.ts'
import { parsers, type DecodedRecord } from './parse.ts'
import { readExtents, readRanges } from './raw-log.ts'
import { RegistryDecoder } from './registry.ts'
import { TransactionResolver } from './transactions.ts'

/** The ids of the committed outbox records, kept up to date by reading only what is new. */
export class OutboxTail {
  private readonly brokers: Brokers
  private readonly topic: string
  private readonly decoder: RegistryDecoder
  private readonly intern: Intern
  private readonly ids = new Set<string>()
  private readonly partitions = new Map<number, { position: number; resolver: TransactionResolver<string> }>()

  constructor(brokers: Brokers, topic: string, registryUrl: string, intern: Intern) {
    this.brokers = brokers
    this.topic = topic
    this.decoder = new RegistryDecoder(registryUrl)
    this.intern = intern
  }

  get size(): number {
    return this.ids.size
  }

  has(eventId: string): boolean {
    return this.ids.has(eventId)
  }

  /** Reads up to the present end of the topic. */
  async advance(signal?: AbortSignal): Promise<void> {
    const extents = await readExtents(this.brokers, [this.topic])
    for (const { partition, start } of extents) {
      if (!this.partitions.has(partition)) {
        this.partitions.set(partition, { position: start, resolver: new TransactionResolver() })
      }
    }
    const ranges = extents.map(({ topic, partition, end }) => ({
      topic,
      partition,
      from: this.partitions.get(partition)?.position ?? 0,
      to: end,
    }))
    const parse = (record: DecodedRecord): string | undefined => parsers.outbox(record, this.intern)?.eventId
    await readRanges(
      this.brokers,
      ranges,
      async (topic, partition, batch) => {
        const known = this.partitions.get(partition)
        if (known === undefined) return
        await absorb(topic, partition, batch, known.resolver, this.decoder, parse)
        known.position = Number(batch.firstOffset) + batch.lastOffsetDelta + 1
        for (const id of known.resolver.committed.splice(0)) this.ids.add(id)
      },
      signal,
    )
  }
}
