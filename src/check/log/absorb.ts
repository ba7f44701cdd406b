import type { KafkaRecord, RecordsBatch } from '@platformatic/kafka'
import type { DecodedRecord } from './parse.ts'
import { schemaIdOf, type RegistryDecoder } from './registry.ts'
import { isCommitMarker, isControl, type TransactionResolver } from './transactions.ts'

/** On what an operator has sent again from a dead letter. */
const retryHeader = 'sluice.retry-of'

const headerOf = (record: KafkaRecord, wanted: string): string | undefined => {
  const found = record.headers.find(([name]) => name?.toString('utf8') === wanted)
  return found?.[1]?.toString('utf8')
}

/**
 * Gives one batch to the resolver of its partition: the marks of a control batch, or the decoded records of a data
 * batch. `parse` returns undefined for what is no event; what `isParked` is not even decoded.
 */
export const absorb = async <T>(
  topic: string,
  partition: number,
  batch: RecordsBatch,
  resolver: TransactionResolver<T>,
  decoder: RegistryDecoder,
  parse: (record: DecodedRecord) => T | undefined,
  isParked: (offset: number) => boolean = () => false,
): Promise<void> => {
  if (isControl(batch)) {
    for (const { key } of batch.records) {
      const committed = isCommitMarker(key)
      if (committed !== undefined) resolver.mark(batch.producerId, committed)
    }
    return
  }
  const offsetOf = ({ offsetDelta }: KafkaRecord): number => Number(batch.firstOffset) + offsetDelta
  const found = batch.records.filter(record => !isParked(offsetOf(record)))
  for (const { value } of found) {
    const schemaId = value === null ? undefined : schemaIdOf(value)
    if (schemaId !== undefined && !decoder.knows(schemaId)) await decoder.load(schemaId)
  }
  const records: T[] = []
  for (const record of found) {
    const offset = offsetOf(record)
    const where = `${topic} partition ${partition} offset ${offset}`
    const parsed = parse({
      partition,
      offset,
      timestampMs: Number(batch.firstTimestamp + record.timestampDelta),
      key: record.key?.toString('utf8') ?? '',
      headerId: headerOf(record, 'id'),
      ...(headerOf(record, retryHeader) !== undefined && { retried: true as const }),
      value: record.value === null ? null : decoder.decode(record.value, where),
      where,
    })
    if (parsed !== undefined) records.push(parsed)
  }
  resolver.add(batch, records)
}
