import { findCoordinatorV4 } from '@platformatic/kafka'
import type { API, Broker } from '@platformatic/kafka'
import type { Clock } from '../core/clock.ts'
import { SluiceError } from '../core/errors.ts'
import { closedError, Lane } from './lane.ts'
import { ClusterMetadata } from './metadata.ts'
import { retrying } from './retry.ts'
import type { KafkaOptions } from './types.ts'

export type CoordinatorType = 'group' | 'transaction'

const keyTypes = { group: 0, transaction: 1 } as const

const brokerOf = (address: string): Broker => {
  const separator = address.lastIndexOf(':')
  return { host: address.slice(0, separator), port: Number(address.slice(separator + 1)) }
}

/** What every part of one client shares: who leads, who coordinates, how long to retry, and the end of it all. */
export class Cluster {
  readonly clientId: string
  readonly clock: Clock
  readonly operationTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly metadata: ClusterMetadata
  readonly #lane: Lane
  readonly #coordinators = new Map<string, Broker>()
  readonly #closing = new AbortController()

  constructor(options: KafkaOptions, clock: Clock, operationTimeoutMs: number, requestTimeoutMs: number) {
    this.clientId = options.clientId
    this.clock = clock
    this.operationTimeoutMs = operationTimeoutMs
    this.requestTimeoutMs = requestTimeoutMs
    this.#lane = this.openLane()
    this.metadata = new ClusterMetadata(this.#lane, options.brokers.map(brokerOf))
  }

  /** Aborted when the client is closed; every pause listens to it. */
  get signal(): AbortSignal {
    return this.#closing.signal
  }

  openLane(requestTimeoutMs = this.requestTimeoutMs): Lane {
    return new Lane(this.clientId, requestTimeoutMs)
  }

  /** A request that any broker can answer. */
  call<Arguments extends unknown[], Response>(
    api: API<Arguments, Response>,
    ...request: Arguments
  ): Promise<Response> {
    return this.#lane.call(this.metadata.anyBroker(), api, ...request)
  }

  /** The broker that coordinates a group or a transactional id; cached until `dropCoordinator`. */
  async coordinator(type: CoordinatorType, key: string): Promise<Broker> {
    const known = this.#coordinators.get(`${type} ${key}`)
    if (known !== undefined) return known
    const response = await this.call(findCoordinatorV4.api, keyTypes[type], [key])
    const found = response.coordinators[0]
    if (found === undefined) {
      throw new SluiceError({
        code: 'SLUICE_KAFKA_NO_COORDINATOR',
        message: `the cluster named no coordinator of the ${type} ${key}`,
        remedy: 'check the broker log',
      })
    }
    const broker = { host: found.host, port: found.port }
    this.#coordinators.set(`${type} ${key}`, broker)
    return broker
  }

  dropCoordinator(type: CoordinatorType, key: string): void {
    this.#coordinators.delete(`${type} ${key}`)
  }

  /** A request to a coordinator, repeated while the coordinator moves, loads or is away. */
  async callCoordinator<Result>(
    options: {
      readonly type: CoordinatorType
      readonly key: string
      readonly what: string
      readonly timeoutMs?: number
      readonly signal?: AbortSignal
      readonly onRetry?: (error: unknown) => void
    },
    request: (coordinator: Broker) => Promise<Result>,
  ): Promise<Result> {
    const { type, key, what } = options
    return retrying(
      {
        clock: this.clock,
        timeoutMs: options.timeoutMs ?? this.operationTimeoutMs,
        signal: options.signal ?? this.signal,
        what,
        details: { [type]: key },
      },
      async () => request(await this.coordinator(type, key)),
      (handling, error) => {
        if (handling === 'find-coordinator') this.dropCoordinator(type, key)
        options.onRetry?.(error)
      },
    )
  }

  async close(): Promise<void> {
    this.#closing.abort(closedError())
    await this.#lane.close()
  }
}
