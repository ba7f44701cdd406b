import type { ConsumedRecord, Kafka, KafkaAdmin } from '../kafka/types.ts'
import { headerText } from '../streams/dsl/message.ts'
import type { Coverage } from './coverage.ts'
import { PartFindings } from './difference.ts'
import { scanPartition } from './read-log.ts'
import { differencesIn, keyText } from './record-text.ts'
import type { Counterpart } from './shadow-topology.ts'

type Side = 'live' | 'replayed'

/**
 * Compares two logs of one partition record by record, in the order of each key: between keys a log's order may differ.
 * Feed it records of both sides as they are read, then `end`. What it keeps is what one side is ahead of the other.
 */
export class KeyedComparison {
  readonly #findings: PartFindings
  readonly #coverage: Coverage
  readonly #waiting = {
    live: new Map<string, ConsumedRecord[]>(),
    replayed: new Map<string, ConsumedRecord[]>(),
  }

  constructor(findings: PartFindings, coverage: Coverage) {
    this.#findings = findings
    this.#coverage = coverage
  }

  feed(side: Side, records: readonly ConsumedRecord[]): void {
    for (const record of records) this.#take(side, record)
  }

  end(): void {
    for (const records of this.#waiting.live.values())
      this.#leftOver(records, this.#coverage.isLiveAhead, 'is not in the replay')
    for (const records of this.#waiting.replayed.values())
      this.#leftOver(records, this.#coverage.isLiveBehind, 'is only in the replay')
  }

  #take(side: Side, record: ConsumedRecord): void {
    const key = this.#pairingKey(record)
    const others = this.#waiting[side === 'live' ? 'replayed' : 'live']
    const other = others.get(key)?.shift()
    if (other === undefined) {
      const waiting = this.#waiting[side].get(key)
      if (waiting === undefined) this.#waiting[side].set(key, [record])
      else waiting.push(record)
      return
    }
    if (others.get(key)?.length === 0) others.delete(key)
    const [live, replayed] = side === 'live' ? [record, other] : [other, record]
    const differing = differencesIn(live, replayed)
    if (differing.length === 0) this.#findings.equal++
    else if (this.#coverage.isPartial) this.#findings.undecided++
    else
      this.#findings.differs(
        keyText(live.key),
        `partition ${live.partition}, offset ${live.offset} live and ${replayed.offset} replayed: ${differing.join(', ')}`,
      )
  }

  // Where live has records from before, the n-th of a key is no longer the n-th: then by what each record is called.
  #pairingKey({ key, headers }: ConsumedRecord): string {
    const id = this.#coverage.isPartial ? (headerText(headers, 'id') ?? '') : ''
    return `${id}${key === null ? '' : `=${key.toString('latin1')}`}`
  }

  #leftOver(records: readonly ConsumedRecord[], isExpected: boolean, message: string): void {
    if (isExpected || this.#coverage.isPartial) {
      this.#findings.undecided += records.length
      return
    }
    for (const { key, partition, offset } of records)
      this.#findings.differs(keyText(key), `partition ${partition}, offset ${offset} ${message}`)
  }
}

/** Compares a topic of a shadow with the live one, partition by partition. */
export const compareTopic = async (
  kafka: Kafka,
  admin: KafkaAdmin,
  { name, live, shadow }: Counterpart,
  coverage: Coverage,
): Promise<PartFindings> => {
  const findings = new PartFindings(name)
  const [described] = await admin.describeTopics([live])
  for (let partition = 0; partition < (described?.partitions ?? 0); partition++) {
    const comparison = new KeyedComparison(findings, coverage)
    const open = new Map<Side, Awaited<ReturnType<typeof scanPartition>>>([
      ['live', await scanPartition(kafka, admin, { topic: live, partition })],
      ['replayed', await scanPartition(kafka, admin, { topic: shadow, partition })],
    ])
    while (open.size > 0) {
      for (const [side, scan] of open) {
        const records = await scan.next()
        if (records !== undefined) comparison.feed(side, records)
        else {
          open.delete(side)
          await scan.close()
        }
      }
    }
    comparison.end()
  }
  return findings
}
