import type { Broker } from '@platformatic/kafka'
import { SluiceError } from '../core/errors.ts'
import { errorIdOfCode, errorOfId, handlingOfId, kafkaError } from './classify.ts'
import type { Cluster } from './cluster.ts'
import { closedError } from './lane.ts'
import { groupByLeader } from './leaders.ts'
import type { Lane } from './lane.ts'
import { PartitionLog } from './partition-log.ts'
import { positionKey } from './positions.ts'
import { fetchApi } from './requests.ts'
import type { FetchedPartition } from './requests.ts'
import { pauseMs } from './retry.ts'
import type { ConsumedRecord, LogReader, OffsetPosition, TopicPartition } from './types.ts'

export interface LogReaderOptions {
  readonly isolation: 'read_committed' | 'read_uncommitted'
  /** Bound of what is buffered, over all partitions. */
  readonly maxBytes: number
  /** Hands out markers too, and tells of each record whose transaction it is. */
  readonly withTransactions: boolean
}

const partitionMaxBytes = 1024 * 1024
// How long the broker may hold an empty fetch; new or resumed partitions wait no longer than this for their first one.
const idleWaitMs = 100
// While a partition is left out because its buffer is full, an idle fetch of the others must not delay its next one.
const crowdedWaitMs = 5
const noSession = { id: 0, epoch: -1 } as const

/** A raw fetch loop: at most one request under way per leader, prefetching into bounded buffers. */
export class KafkaLogReader implements LogReader {
  readonly #cluster: Cluster
  readonly #options: LogReaderOptions
  readonly #lane: Lane
  readonly #closing = new AbortController()
  readonly #signal: AbortSignal
  readonly #logs = new Map<string, PartitionLog>()
  readonly #fetching = new Map<string, Promise<void>>()
  #finding: Promise<void> | undefined
  #isPumpWanted = false
  #retrying: Promise<void> | undefined
  #bufferedBytes = 0
  #rotation = 0
  #failure: SluiceError | undefined
  #wake: () => void = () => {}

  constructor(cluster: Cluster, options: LogReaderOptions) {
    this.#cluster = cluster
    this.#options = options
    this.#lane = cluster.openLane()
    this.#signal = AbortSignal.any([cluster.signal, this.#closing.signal])
  }

  assign(positions: readonly OffsetPosition[]): void {
    this.#logs.clear()
    this.#bufferedBytes = 0
    this.add(positions)
  }

  add(positions: readonly OffsetPosition[]): void {
    for (const position of positions) {
      const { topic, partition, offset } = position
      if (!Number.isSafeInteger(offset) || offset < 0) {
        throw new SluiceError({
          code: 'SLUICE_KAFKA_OFFSET_INVALID',
          message: `${topic}-${partition} cannot be read from offset ${offset}`,
          remedy: 'resolve a missing offset with listOffsets first',
          details: { topic, partition, offset },
        })
      }
      this.#drop(position)
      this.#logs.set(
        positionKey(position),
        new PartitionLog(topic, partition, offset, this.#options.withTransactions),
      )
    }
    this.#pump()
  }

  remove(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#drop(partition)
    this.#pump()
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#setPaused(partitions, true)
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#setPaused(partitions, false)
    this.#pump()
    this.#wake()
  }

  async poll(maxRecords: number, maxWaitMs: number): Promise<ConsumedRecord[]> {
    this.#signal.throwIfAborted()
    const records = this.#take(maxRecords)
    if (records.length > 0 || maxWaitMs <= 0) return records
    const waiting = new AbortController()
    const deadline = this.#cluster.clock.now() + maxWaitMs
    const timer = this.#cluster.clock.sleep(maxWaitMs, waiting.signal).catch(() => {})
    try {
      for (;;) {
        const woken = new Promise<void>(resolve => {
          this.#wake = resolve
        })
        await Promise.race([woken, timer])
        this.#signal.throwIfAborted()
        const found = this.#take(maxRecords)
        if (found.length > 0 || this.#cluster.clock.now() >= deadline) return found
      }
    } finally {
      waiting.abort(closedError())
    }
  }

  position(partition: TopicPartition): number | undefined {
    return this.#logs.get(positionKey(partition))?.position
  }

  endOffset(partition: TopicPartition): number | undefined {
    return this.#logs.get(positionKey(partition))?.endOffset
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return
    this.#closing.abort(closedError())
    this.#logs.clear()
    this.#wake()
    await this.#lane.close()
    await Promise.all([...this.#fetching.values(), this.#finding, this.#retrying])
  }

  #drop(partition: TopicPartition): void {
    const key = positionKey(partition)
    this.#bufferedBytes -= this.#logs.get(key)?.bufferedBytes ?? 0
    this.#logs.delete(key)
  }

  #setPaused(partitions: readonly TopicPartition[], isPaused: boolean): void {
    for (const partition of partitions) {
      const log = this.#logs.get(positionKey(partition))
      if (log !== undefined) log.isPaused = isPaused
    }
  }

  #take(maxRecords: number): ConsumedRecord[] {
    const records: ConsumedRecord[] = []
    const logs = [...this.#logs.values()].filter(({ isPaused }) => !isPaused)
    for (const log of logs) {
      if (log.error !== undefined && !log.hasRecords) throw log.error
    }
    // Another partition goes first each time, so that a full one does not starve the others.
    this.#rotation++
    for (let index = 0; index < logs.length && records.length < maxRecords; index++) {
      const log = logs[(index + this.#rotation) % logs.length]
      if (log === undefined || !log.hasRecords) continue
      this.#takeFrom(log, records, maxRecords - records.length)
    }
    this.#pump()
    if (records.length === 0 && this.#failure !== undefined) {
      const failure = this.#failure
      this.#failure = undefined
      throw failure
    }
    return records
  }

  #takeFrom(log: PartitionLog, records: ConsumedRecord[], count: number): void {
    const before = log.bufferedBytes
    try {
      log.take(records, count)
    } catch (error) {
      // Thrown by the next poll: what other partitions have given to this one must not be lost.
      log.fail(kafkaError(error, `decoding ${log.topic}-${log.partition} after offset ${log.position}`))
    }
    this.#bufferedBytes += log.bufferedBytes - before
  }

  #isFetchable(log: PartitionLog): boolean {
    return !log.isPaused && log.error === undefined && log.bufferedBytes < partitionMaxBytes
  }

  /** Starts a fetch at every leader that has none under way and partitions with room. */
  #pump(): void {
    if (this.#signal.aborted || this.#logs.size === 0) return
    if (this.#bufferedBytes >= this.#options.maxBytes) return
    // What has changed while leaders were looked up is looked at right after.
    this.#isPumpWanted = this.#finding !== undefined
    this.#finding ??= this.#findLeaders().finally(() => {
      this.#finding = undefined
      if (this.#isPumpWanted) this.#pump()
    })
  }

  async #findLeaders(): Promise<void> {
    const readable = [...this.#logs.values()].filter(({ error }) => error === undefined)
    let grouped
    try {
      grouped = await groupByLeader(this.#cluster.metadata, readable)
    } catch (error) {
      this.#retryLater(error, readable)
      return
    }
    const { led, leaderless } = grouped
    for (const { address, leader, items: logs } of led) {
      const open = logs.filter(log => this.#isFetchable(log))
      if (open.length === 0 || this.#fetching.has(address)) continue
      const waitMs = logs.some(log => !log.isPaused && !this.#isFetchable(log)) ? crowdedWaitMs : idleWaitMs
      const fetching = this.#fetch(leader, open, waitMs).finally(() => {
        this.#fetching.delete(address)
        this.#pump()
      })
      this.#fetching.set(address, fetching)
    }
    if (leaderless.length > 0) {
      const names = leaderless.map(positionKey).join(', ')
      this.#retryLater(errorOfId('UNKNOWN_TOPIC_OR_PARTITION', `no leader for ${names}`), leaderless)
    }
  }

  /** Beside the fetches of the partitions that are well. */
  #retryLater(cause: unknown, logs: readonly PartitionLog[]): void {
    this.#retrying ??= this.#backOff(cause, logs).finally(() => {
      this.#retrying = undefined
      this.#pump()
    })
  }

  async #fetch(leader: Broker, logs: readonly PartitionLog[], waitMs: number): Promise<void> {
    const asked = new Map(logs.map(log => [log, log.fetchOffset]))
    const isCommittedOnly = this.#options.isolation === 'read_committed'
    let result
    try {
      result = await this.#lane.call(
        leader,
        fetchApi,
        waitMs,
        1,
        Math.max(this.#options.maxBytes - this.#bufferedBytes, partitionMaxBytes),
        isCommittedOnly ? 1 : 0,
        noSession.id,
        noSession.epoch,
        this.#fetchTopics(logs),
        [],
        '',
      )
    } catch (error) {
      for (const log of logs) this.#cluster.metadata.drop(log.topic)
      await this.#backOff(error, logs)
      return
    }
    const stale: PartitionLog[] = []
    let staleId = ''
    for (const fetched of result.partitions) {
      const log = this.#logs.get(positionKey(fetched))
      // Assigned anew, removed, or asked for another offset meanwhile: the answer belongs to nobody.
      if (log === undefined || asked.get(log) !== log.fetchOffset) continue
      const id = this.#accept(log, fetched, isCommittedOnly)
      if (id === undefined) {
        log.failingSinceMs = undefined
        continue
      }
      staleId = id
      stale.push(log)
    }
    this.#wake()
    if (stale.length > 0) await this.#backOff(errorOfId(staleId, 'fetch'), stale)
  }

  #fetchTopics(logs: readonly PartitionLog[]) {
    // The broker fills the answer in this order and guarantees a whole batch only to the first with data.
    const start = this.#rotation++ % logs.length
    const turned = [...logs.slice(start), ...logs.slice(0, start)]
    return [...Map.groupBy(turned, ({ topic }) => topic)].map(([topicId, of]) => ({
      topicId,
      partitions: of.map(({ partition, fetchOffset }) => ({
        partition,
        fetchOffset: BigInt(fetchOffset),
        currentLeaderEpoch: -1,
        lastFetchedEpoch: -1,
        partitionMaxBytes,
      })),
    }))
  }

  /** The error id, when the partition's leader has to be found anew. */
  #accept(log: PartitionLog, fetched: FetchedPartition, isCommittedOnly: boolean): string | undefined {
    const { topic, partition, fetchOffset: offset } = log
    const details = { topic, partition, offset }
    if (fetched.errorCode !== 0) {
      const id = errorIdOfCode(fetched.errorCode)
      if (handlingOfId(id) === 'refuse') {
        log.error = errorOfId(id, `reading ${topic}-${partition} at offset ${offset}`, details)
        return undefined
      }
      this.#cluster.metadata.drop(topic)
      return id
    }
    const before = log.bufferedBytes
    try {
      log.accept(fetched, isCommittedOnly)
    } catch (error) {
      log.fail(kafkaError(error, `reading ${topic}-${partition} at offset ${offset}`, details))
    }
    this.#bufferedBytes += log.bufferedBytes - before
    return undefined
  }

  /** Waits a little after a failure, and tells `poll` when it has gone on for too long. */
  async #backOff(cause: unknown, logs: readonly PartitionLog[]): Promise<void> {
    if (this.#signal.aborted) return
    const { clock, operationTimeoutMs } = this.#cluster
    const now = clock.now()
    let longestMs = 0
    for (const log of logs) {
      log.failingSinceMs ??= now
      longestMs = Math.max(longestMs, now - log.failingSinceMs)
    }
    if (longestMs >= operationTimeoutMs) {
      const { message } = kafkaError(cause, 'fetch')
      this.#failure = new SluiceError({
        code: 'SLUICE_KAFKA_UNAVAILABLE',
        message: `nothing could be fetched for ${longestMs} ms: ${message}`,
        remedy: 'check that the brokers run and the topics exist; poll goes on trying',
        reaction: 'retry',
        details: { partitions: logs.map(positionKey) },
        cause,
      })
      for (const log of logs) log.failingSinceMs = now
      this.#wake()
    }
    const tries = longestMs < 100 ? 0 : longestMs < 1000 ? 3 : 5
    await clock.sleep(pauseMs('again', tries), this.#signal).catch(() => {})
  }
}
