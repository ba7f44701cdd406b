import type { Serde } from '../codec/serde.ts'
import { SluiceError } from '../core/errors.ts'
import type { ProducedRecord, TransactionalProducer } from '../kafka/types.ts'
import type { OutboxEnvelope, OutboxRow } from '../../schemas/types.ts'
import { outboxEnvelope, outboxRecord } from './envelope.ts'
import type { RowSource } from './envelope.ts'
import { fenced, outcomeUnknown } from './errors.ts'
import { formatLsn } from './lsn.ts'
import type { RelayDependencies, RelaySettings, RelayStatus } from './options.ts'
import { outboxType } from './outbox-type.ts'
import { ensurePositionTopic, positionRecord, readPosition } from './position-log.ts'
import type { RelayPosition } from './position.ts'

/** How long a relay that was fenced waits to see who took over, before it takes the name back. */
const takeoverMs = 5_000

/**
 * The Kafka side of the relay: records and position in one transaction.
 *
 * `begin` once per doubt: it makes this process the owner of the name, and gives the position to go on from.
 */
export class Publisher {
  readonly #settings: RelaySettings
  readonly #dependencies: RelayDependencies
  readonly #status: RelayStatus
  readonly #producer: TransactionalProducer
  #serde: Serde<OutboxEnvelope> | undefined
  #partitions = 0
  #isInDoubt = true
  #hasOwned = false
  #wasFenced = false

  constructor(settings: RelaySettings, dependencies: RelayDependencies, status: RelayStatus) {
    this.#settings = settings
    this.#dependencies = dependencies
    this.#status = status
    this.#producer = dependencies.kafka.transactionalProducer(settings.name, {
      transactionTimeoutMs: settings.transactionTimeoutMs,
    })
  }

  get partitions(): number {
    return this.#partitions
  }

  /** Errors: `SLUICE_RELAY_FENCED` when another relay has taken over since. */
  async begin(): Promise<RelayPosition | undefined> {
    const { kafka, codecs } = this.#dependencies
    if (this.#serde === undefined) {
      const type = outboxType(this.#settings.topic)
      await codecs.prepare([type])
      this.#serde = codecs.serde(type)
      await this.#ensureTopics()
    }
    if (this.#isInDoubt) {
      // The order matters: after init nobody else can move the position that is read next.
      if (this.#hasOwned) await this.#refuseIfReplaced()
      await this.#guarded(() => this.#producer.init())
    }
    const position = await readPosition(kafka, this.#settings.positionTopic)
    this.#isInDoubt = false
    this.#wasFenced = false
    return position
  }

  /** Writes the position under this process's name; fails where another has taken over. */
  async claim(position: RelayPosition): Promise<RelayPosition> {
    const claimed = { ...position, owner: this.#dependencies.instanceId }
    await this.publish([], claimed)
    this.#hasOwned = true
    return claimed
  }

  record(row: OutboxRow, source: RowSource): ProducedRecord {
    if (this.#serde === undefined) throw notBegun()
    const value = this.#serde.encode(outboxEnvelope(row, source, this.#dependencies.clock.now()))
    return outboxRecord(row, source, { topic: this.#settings.topic, partitions: this.#partitions, value })
  }

  /** Records and position become visible together, or not at all. After an error `begin` must come next. */
  async publish(records: readonly ProducedRecord[], position: RelayPosition | undefined): Promise<void> {
    const { clock } = this.#dependencies
    const { name, positionTopic } = this.#settings
    const all =
      position === undefined ? records : [...records, positionRecord(positionTopic, position, clock.now())]
    await this.#guarded(async () => {
      await this.#producer.send(all)
      this.#dependencies.crash?.('relay.after-send')
      const outcome = await this.#producer.commit()
      if (outcome !== 'committed') throw outcomeUnknown(name, outcome)
    })
    this.#status.kafkaTransactions += 1
    this.#status.eventsSent += records.length
    if (position !== undefined) this.#status.confirmedLsn = formatLsn(position.confirmedLsn)
    const last = records.at(-1)
    if (last !== undefined) this.#status.lastDelayMs = clock.now() - last.timestamp
  }

  async idOf(value: Buffer): Promise<string | undefined> {
    const { codecs } = this.#dependencies
    await codecs.load(codecs.missingIds([value]))
    return this.#serde?.decode(value).after?.id
  }

  close(): Promise<void> {
    return this.#producer.close()
  }

  async #guarded(run: () => Promise<void>): Promise<void> {
    try {
      await run()
    } catch (error) {
      this.#isInDoubt = true
      if (error instanceof SluiceError && error.code === 'SLUICE_KAFKA_PRODUCER_FENCED')
        this.#wasFenced = true
      throw error
    }
  }

  /** A transaction that timed out looks the same to its producer as a second relay; the position's owner tells them apart. */
  async #refuseIfReplaced(): Promise<void> {
    const { kafka, clock, instanceId, signal } = this.#dependencies
    const { name, positionTopic } = this.#settings
    const deadline = clock.now() + (this.#wasFenced ? takeoverMs : 0)
    for (;;) {
      const position = await readPosition(kafka, positionTopic)
      if (position !== undefined && position.owner !== instanceId) throw fenced(name, position.owner)
      if (clock.now() >= deadline) return
      await clock.sleep(100, signal)
    }
  }

  async #ensureTopics(): Promise<void> {
    const admin = this.#dependencies.kafka.admin()
    const { topic, positionTopic, partitions, replicas } = this.#settings
    await ensurePositionTopic(this.#dependencies.kafka, positionTopic, replicas)
    if (!(await admin.listTopics()).includes(topic)) {
      const config = { 'retention.ms': '-1' }
      await admin.ensureTopics([
        { name: topic, partitions, config, ...(replicas === undefined ? {} : { replicas }) },
      ])
    }
    const [description] = await admin.describeTopics([topic])
    this.#partitions = description?.partitions ?? partitions
  }
}

const notBegun = (): SluiceError =>
  new SluiceError({
    code: 'SLUICE_RELAY_NOT_BEGUN',
    message: 'a record was made before the publisher had begun',
  })
