import { LogicalReplicationService, PgoutputPlugin } from 'pg-logical-replication'
import type { Pgoutput } from 'pg-logical-replication'
import { messageOf, SluiceError } from '../core/errors.ts'
import { ElementQueue } from './element-queue.ts'
import { postgresError } from './errors.ts'
import { formatLsn, parseLsn } from './lsn.ts'
import type { StreamElement, TransactionDecoder } from './transaction-decoder.ts'

export interface ReplicationStreamOptions {
  readonly postgresUrl: string
  readonly applicationName: string
  readonly slot: string
  readonly publication: string
  readonly decoder: TransactionDecoder
  /** Already on the topic: reported to Postgres until `confirm` says more. */
  readonly confirmedLsn: bigint
  readonly maxQueuedBytes: number
  /** Postgres is asked for a reply this often; after `silentIntervals` of them without one the connection counts as lost. */
  readonly statusIntervalMs: number
}

/** Status intervals in which nothing comes, though a reply was asked for in each. */
const silentIntervals = 3

/** Leaves every column as Postgres' text: a jsonb parsed and printed again would not be the same. */
class TextPgoutputPlugin extends PgoutputPlugin {
  override parse(buffer: Buffer): Pgoutput.Message {
    const message = super.parse(buffer)
    if (message.tag === 'relation')
      for (const column of message.columns) column.parser = text => text as unknown
    return message
  }
}

/**
 * One connection to the slot. Elements come in commit order; Postgres is told of progress only by `confirm`.
 * Used once: after any failure a new one is made, which begins where the slot stands.
 */
export class ReplicationStream {
  readonly #options: ReplicationStreamOptions
  readonly #queue: ElementQueue
  readonly #service: LogicalReplicationService
  #confirmedLsn: bigint
  #keepaliveLsn = 0n
  #isTaken = false
  #isBlocked = false
  #closed = false
  /** Status intervals since Postgres was last heard. */
  #silence = 0
  #rejectOpening: ((reason: Error) => void) | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: ReplicationStreamOptions) {
    this.#options = options
    this.#confirmedLsn = options.confirmedLsn
    this.#queue = new ElementQueue(options.maxQueuedBytes)
    this.#service = new LogicalReplicationService(
      {
        connectionString: options.postgresUrl,
        application_name: options.applicationName,
        keepAlive: true,
        connectionTimeoutMillis: 10_000,
      },
      // timeoutSeconds other than 0 would confirm what was received, not what is on the topic.
      { acknowledge: { auto: false, timeoutSeconds: 0 }, flowControl: { enabled: true } },
    )
  }

  /** Resolves when Postgres streams. Errors: those of `postgresError`. */
  async open(): Promise<void> {
    const { slot, publication, statusIntervalMs } = this.#options
    const service = this.#service
    service.on('data', (lsn, message) => this.#receive(lsn, message as Pgoutput.Message))
    service.on('heartbeat', (lsn, _timestamp, shouldRespond) => this.#keepalive(lsn, shouldRespond))
    service.on('error', error => this.#queue.fail(postgresError(error)))
    const started = new Promise<void>(resolve => service.on('start', () => resolve()))
    const plugin = new TextPgoutputPlugin({ protoVersion: 1, publicationNames: [publication] })
    const ended = service.subscribe(plugin, slot, '0/00000000').then(
      () => this.#queue.fail(postgresError(new Error('the replication connection ended'))),
      (error: unknown) => {
        this.#queue.fail(postgresError(error))
        throw postgresError(error)
      },
    )
    ended.catch(() => {})
    const interrupted = new Promise<never>((_, reject) => (this.#rejectOpening = reject))
    await Promise.race([started, ended, interrupted])
    this.#timer = setInterval(() => this.#tick(), statusIntervalMs)
  }

  /** Waits for elements; the next `take` or `close` must come after `confirm`. Rejects when the connection has failed. */
  async take(maxRecords: number, maxBytes: number): Promise<StreamElement[]> {
    const elements = await this.#queue.take(maxRecords, maxBytes)
    this.#isTaken = true
    return elements
  }

  /** What was taken is on the topic; Postgres may forget its log before `lsn`. */
  confirm(lsn: bigint): void {
    this.#isTaken = false
    this.#confirmedLsn = lsn
    this.#report(false)
  }

  /** Makes a waiting `open` or `take` reject with this. */
  interrupt(reason: Error): void {
    this.#queue.fail(reason)
    this.#rejectOpening?.(reason)
  }

  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#timer)
    // Lets a blocked handler go on, so that the socket is read again and its end is seen.
    this.#queue.fail(closedError())
    await new Promise(resolve => setImmediate(resolve))
    await this.#service.destroy().catch(() => {})
  }

  /** Must never throw: the library would confirm the next message and so lose this one. */
  async #receive(lsn: string, message: Pgoutput.Message): Promise<void> {
    this.#silence = 0
    try {
      const element = this.#options.decoder.take(lsn, message)
      if (element === undefined || this.#closed) return
      this.#queue.push(element)
      if (!this.#queue.isFull) return
      this.#isBlocked = true
      await this.#queue.room()
      this.#isBlocked = false
      this.#silence = 0
    } catch (error) {
      this.#queue.fail(undecodable(error))
    }
  }

  #keepalive(lsn: string, shouldRespond: boolean): void {
    this.#silence = 0
    this.#keepaliveLsn = parseLsn(lsn)
    if (!shouldRespond) return
    // Messages that came before it may still wait in the library, for as long as microtasks run.
    setImmediate(() => this.#report(true))
  }

  /** A connection whose other end has vanished gives no error: that nothing comes is all there is to see. */
  #tick(): void {
    // While the socket is not read, silence says nothing about Postgres.
    if (!this.#isBlocked) this.#silence += 1
    if (this.#silence > silentIntervals) this.#queue.fail(silent(this.#options.statusIntervalMs))
    else this.#report(true, true)
  }

  #report(isIdleWorthTelling: boolean, isReplyWanted = false): void {
    if (this.#closed) return
    // A keep-alive says how far Postgres has read its log, other databases' changes included. With nothing in between it
    // goes the way of a record: into the position first, then to Postgres, so that the slot is never ahead of the position.
    const isIdle = this.#queue.isEmpty && !this.#isTaken && !this.#isBlocked && !this.#options.decoder.isOpen
    if (isIdleWorthTelling && isIdle && this.#keepaliveLsn > this.#confirmedLsn)
      this.#queue.push({ kind: 'idle', lsn: this.#keepaliveLsn })
    // The library adds one to what it is given. One too many would make Postgres skip a transaction whose commit record
    // begins exactly here.
    this.#service.acknowledge(formatLsn(this.#confirmedLsn - 1n), isReplyWanted).catch((error: unknown) => {
      this.#queue.fail(postgresError(error))
    })
  }
}

const silent = (statusIntervalMs: number): SluiceError =>
  postgresError(
    new Error(
      `nothing came on the replication connection for ${(statusIntervalMs * silentIntervals) / 1_000} s, keep-alives included`,
    ),
  )

const closedError = (): SluiceError =>
  new SluiceError({
    code: 'SLUICE_RELAY_STREAM_CLOSED',
    message: 'the replication stream was closed',
    reaction: 'retry',
  })

const undecodable = (cause: unknown): SluiceError =>
  new SluiceError({
    code: 'SLUICE_RELAY_MESSAGE_UNREADABLE',
    message: `a replication message could not be read: ${messageOf(cause)}`,
    remedy: 'compare the versions of Postgres and of pg-logical-replication with those the README names',
    cause,
  })
