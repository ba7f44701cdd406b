import { metadataV12 } from '@platformatic/kafka'
import type { Broker } from '@platformatic/kafka'
import { SluiceError } from '../core/errors.ts'
import { errorIdOfCode, handlingOfId, kafkaError } from './classify.ts'
import type { Lane } from './lane.ts'
import type { TopicPartition } from './types.ts'

export interface TopicMetadata {
  readonly name: string
  /** Leader by partition; undefined while none is elected. */
  readonly leaders: readonly (Broker | undefined)[]
  readonly isInternal: boolean
}

interface MetadataTopic {
  readonly errorCode: number
  readonly name?: string | null | undefined
  readonly isInternal: boolean
  readonly partitions: readonly { readonly partitionIndex: number; readonly leaderId: number }[]
}

interface MetadataResponse {
  readonly brokers: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[]
  readonly topics: readonly MetadataTopic[]
}

const unknownTopicCode = 3

const responseOf = (error: unknown): MetadataResponse | undefined => {
  // A topic that is missing makes the client throw; what it knows of the others hangs on the error.
  if (!(error instanceof Error && 'response' in error)) return undefined
  const response = error.response as Partial<MetadataResponse> | undefined
  return response?.brokers !== undefined && response.topics !== undefined
    ? (response as MetadataResponse)
    : undefined
}

/** Who leads what, cached; whoever meets a stale leader drops the topic and asks again. */
export class ClusterMetadata {
  readonly #lane: Lane
  readonly #bootstrap: readonly Broker[]
  readonly #topics = new Map<string, TopicMetadata>()
  #brokers: readonly Broker[] = []
  #turn = 0

  constructor(lane: Lane, bootstrap: readonly Broker[]) {
    this.#lane = lane
    this.#bootstrap = bootstrap
  }

  /** Any broker, another one each time, so that a dead one is left behind at the next try. */
  anyBroker(): Broker {
    const brokers = [...this.#brokers, ...this.#bootstrap]
    const broker = brokers[this.#turn++ % brokers.length]
    if (broker === undefined) {
      throw new SluiceError({
        code: 'SLUICE_KAFKA_NO_BROKERS',
        message: 'no bootstrap broker was given',
        remedy: 'name at least one host:port',
      })
    }
    return broker
  }

  drop(topic: string): void {
    this.#topics.delete(topic)
  }

  /** Asks the cluster now; topics that do not exist are left out. `null` asks for all. */
  async fetch(topics: readonly string[] | null): Promise<TopicMetadata[]> {
    const response = await this.#request(topics)
    if (response.brokers.length > 0) this.#brokers = response.brokers
    const byId = new Map(
      response.brokers.map(broker => [broker.nodeId, { host: broker.host, port: broker.port }]),
    )
    const found: TopicMetadata[] = []
    for (const topic of response.topics) {
      const name = topic.name ?? ''
      this.#topics.delete(name)
      if (topic.errorCode === unknownTopicCode || name === '') continue
      const leaders: (Broker | undefined)[] = []
      for (const { partitionIndex, leaderId } of topic.partitions)
        leaders[partitionIndex] = byId.get(leaderId)
      const metadata = { name, leaders, isInternal: topic.isInternal }
      this.#topics.set(name, metadata)
      found.push(metadata)
    }
    return found
  }

  /** The cached topic, asked for when it is not cached. */
  async topic(name: string): Promise<TopicMetadata | undefined> {
    return this.#topics.get(name) ?? (await this.fetch([name]))[0]
  }

  /** The leader of a partition; undefined while there is none or the topic is not known (then ask again later). */
  async leader(of: TopicPartition): Promise<Broker | undefined> {
    const known = this.#topics.get(of.topic)?.leaders[of.partition]
    if (known !== undefined) return known
    const [topic] = await this.fetch([of.topic])
    return topic?.leaders[of.partition]
  }

  async #request(topics: readonly string[] | null): Promise<MetadataResponse> {
    try {
      return await this.#lane.call(
        this.anyBroker(),
        metadataV12.api,
        topics === null ? null : [...topics],
        false,
        false,
      )
    } catch (error) {
      const response = responseOf(error)
      if (response === undefined) throw error
      const refused = response.topics.find(
        ({ errorCode }) => errorCode !== 0 && handlingOfId(errorIdOfCode(errorCode)) === 'refuse',
      )
      if (refused !== undefined) throw kafkaError(error, `metadata of topic ${refused.name ?? ''}`)
      return response
    }
  }
}
