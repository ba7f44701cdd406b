import { Connection, findCoordinatorV4, metadataV12 } from '@platformatic/kafka'
import { messageOf, SluiceError } from '../../core/errors.ts'

export interface PartitionLeader {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  readonly leaderId: number
}

interface Endpoint {
  readonly host: string
  readonly port: number
}

const requestTimeoutMs = 30_000
const clientId = 'sluice-check'
const groupCoordinator = 0

const endpointOf = (address: string): Endpoint => {
  const colon = address.lastIndexOf(':')
  return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) }
}

/** One connection per broker, made when first needed; plain requests, no client machinery in between. */
export class Brokers {
  private readonly bootstrap: readonly Endpoint[]
  private readonly connections = new Map<string, Promise<Connection>>()
  private endpoints = new Map<number, Endpoint>()

  /** @param addresses `host:port`, several separated by commas. */
  constructor(addresses: string) {
    this.bootstrap = addresses.split(',').map(address => endpointOf(address.trim()))
  }

  /** Leaders of the partitions of those `names` that exist, in the order of the partitions; all topics when undefined. */
  async leaders(names?: readonly string[]): Promise<PartitionLeader[]> {
    const response = await metadataV12.api.async(await this.any(), null, false, false)
    this.endpoints = new Map(response.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]))
    const wanted = names === undefined ? undefined : new Set(names)
    return response.topics
      .filter(topic => topic.name !== null && topic.name !== undefined && (wanted?.has(topic.name) ?? true))
      .flatMap(({ name, topicId, partitions }) =>
        partitions
          .map(({ partitionIndex, leaderId }) => ({
            topic: name ?? '',
            topicId,
            partition: partitionIndex,
            leaderId,
          }))
          .sort((one, other) => one.partition - other.partition),
      )
  }

  /** A connection to the coordinator of a consumer group. */
  async coordinator(groupId: string): Promise<Connection> {
    const { coordinators } = await findCoordinatorV4.api.async(await this.any(), groupCoordinator, [groupId])
    const [found] = coordinators
    if (found === undefined) throw this.unreachable(`the coordinator of group ${groupId}`, 'no broker has it')
    return this.connect(found)
  }

  /** A connection to one broker, as named by the last `leaders`. */
  async broker(nodeId: number): Promise<Connection> {
    const endpoint = this.endpoints.get(nodeId)
    if (endpoint === undefined) throw this.unreachable(`broker ${nodeId}`, 'it is not among the live brokers')
    return this.connect(endpoint)
  }

  async close(): Promise<void> {
    const connections = await Promise.allSettled(this.connections.values())
    this.connections.clear()
    await Promise.all(
      connections.flatMap(result => (result.status === 'fulfilled' ? [result.value.close()] : [])),
    )
  }

  private async any(): Promise<Connection> {
    let failure: unknown
    for (const endpoint of this.bootstrap) {
      try {
        return await this.connect(endpoint)
      } catch (error) {
        failure = error
      }
    }
    throw failure
  }

  private connect({ host, port }: Endpoint): Promise<Connection> {
    const address = `${host}:${port}`
    const present = this.connections.get(address)
    if (present !== undefined) return present
    const opening = this.open(host, port)
    this.connections.set(address, opening)
    opening.catch(() => this.connections.delete(address))
    return opening
  }

  private async open(host: string, port: number): Promise<Connection> {
    const address = `${host}:${port}`
    const connection = new Connection(clientId, { requestTimeout: requestTimeoutMs, connectTimeout: 5_000 })
    const forget = (): void => {
      this.connections.delete(address)
    }
    connection.on('error', forget)
    connection.on('close', forget)
    try {
      await connection.connect(host, port)
    } catch (error) {
      throw this.unreachable(`broker ${address}`, messageOf(error), error)
    }
    return connection
  }

  private unreachable(what: string, why: string, cause?: unknown): SluiceError {
    return new SluiceError({
      code: 'SLUICE_CHECK_KAFKA_UNREACHABLE',
      message: `cannot reach ${what}: ${why}`,
      remedy: 'see that Kafka is up (`sluice stack status`) and that its address is right',
      reaction: 'retry',
      ...(cause !== undefined && { cause }),
    })
  }
}
