import { createAPI, fetchV12, Writer } from '@platformatic/kafka'
import type { Reader } from '@platformatic/kafka'
import type { AbortedTransaction } from './aborted-filter.ts'
import { ByteReader } from './bytes.ts'

// The two requests that carry records. The client's own versions encode and decode every record with several objects
// and BigInts each; these hand over finished batches and give back raw ones.

export interface ProducePartition {
  readonly partition: number
  readonly batch: Buffer
}

export interface ProduceTopic {
  readonly name: string
  readonly partitions: readonly ProducePartition[]
}

export interface ProduceResult {
  readonly topic: string
  readonly partition: number
  readonly errorCode: number
}

type ProduceRequest = [transactionalId: string, timeoutMs: number, topics: readonly ProduceTopic[]]

const allReplicas = -1

const produceRequest = (...[transactionalId, timeoutMs, topics]: ProduceRequest): Writer =>
  Writer.create()
    .appendString(transactionalId)
    .appendInt16(allReplicas)
    .appendInt32(timeoutMs)
    .appendArray([...topics], (writer, topic) => {
      writer.appendString(topic.name).appendArray([...topic.partitions], (inner, { partition, batch }) => {
        inner
          .appendInt32(partition)
          .appendUnsignedVarInt(batch.length + 1)
          .append(batch)
      })
    })
    .appendTaggedFields()

const flat = (reader: Reader): ByteReader => new ByteReader(reader.buffer.buffer)

const produceResponse = (_id: number, _key: number, _version: number, response: Reader): ProduceResult[] => {
  const reader = flat(response)
  const results: ProduceResult[] = []
  for (let topics = reader.unsignedVarint(); topics > 1; topics--) {
    const topic = reader.compactString()
    for (let partitions = reader.unsignedVarint(); partitions > 1; partitions--) {
      results.push({ topic, partition: reader.int32(), errorCode: reader.int16() })
      // base offset, append time and log start are of no use to a transactional writer
      reader.position += 24
      for (let errors = reader.unsignedVarint(); errors > 1; errors--) {
        reader.int32()
        reader.compactString()
        reader.skipTaggedFields()
      }
      reader.compactString()
      reader.skipTaggedFields()
    }
    reader.skipTaggedFields()
  }
  return results
}

/** Produce (version 11) of finished record batches; errors are per partition and never thrown. */
export const produceApi = createAPI<ProduceRequest, ProduceResult[]>(0, 11, produceRequest, produceResponse)

export interface FetchedPartition {
  readonly topic: string
  readonly partition: number
  readonly errorCode: number
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly aborted: readonly AbortedTransaction[]
  /** Record batches back to back, the last one possibly cut off. */
  readonly records: Buffer
}

export interface FetchResult {
  readonly errorCode: number
  readonly partitions: readonly FetchedPartition[]
}

const empty = Buffer.alloc(0)

const fetchResponse = (_id: number, _key: number, _version: number, response: Reader): FetchResult => {
  const reader = flat(response)
  reader.int32()
  const errorCode = reader.int16()
  reader.int32()
  const partitions: FetchedPartition[] = []
  for (let topics = reader.unsignedVarint(); topics > 1; topics--) {
    const topic = reader.compactString()
    for (let count = reader.unsignedVarint(); count > 1; count--) {
      const head = {
        topic,
        partition: reader.int32(),
        errorCode: reader.int16(),
        highWatermark: reader.int64(),
        lastStableOffset: reader.int64(),
      }
      reader.int64()
      const aborted: AbortedTransaction[] = []
      for (let transactions = reader.unsignedVarint(); transactions > 1; transactions--) {
        aborted.push({ producerId: reader.bigInt64(), firstOffset: reader.int64() })
        reader.skipTaggedFields()
      }
      reader.int32()
      const length = reader.unsignedVarint() - 1
      const records = length > 0 ? reader.view(length) : empty
      reader.skipTaggedFields()
      partitions.push({ ...head, aborted, records })
    }
    reader.skipTaggedFields()
  }
  return { errorCode, partitions }
}

/** Fetch (version 12, topics by name) of raw batches; errors are per partition and never thrown. */
export const fetchApi = createAPI<fetchV12.FetchRequest, FetchResult>(
  1,
  12,
  fetchV12.createRequest,
  fetchResponse,
)
