import { SluiceError } from '../../core/errors.ts'
import { apiName } from './apis.ts'
import { readRequest, readTopics } from './request.ts'
import type { TopicPartitions } from './request.ts'
import type { KafkaReader } from './wire.ts'
import { KafkaWriter } from './wire.ts'

/** An error code of Kafka's protocol, e.g. 15 COORDINATOR_NOT_AVAILABLE, 47 INVALID_PRODUCER_EPOCH. */
export interface KafkaAnswer {
  readonly code: number
}

/** Writes the body of the reply that refuses a request. */
type Refusal = (code: number, request: KafkaReader) => KafkaWriter

type Write = (writer: KafkaWriter) => void

const nothing: Write = () => {}

/** Throttle time, the error, and what else there is. */
const atTop =
  (rest: Write = nothing): Refusal =>
  code => {
    const writer = new KafkaWriter().int32(0).int16(code)
    rest(writer)
    return writer.tags()
  }

/** The error at each partition that the request names. */
const perPartition =
  (topicsOf: (request: KafkaReader) => readonly TopicPartitions[], rest: Write = nothing): Refusal =>
  (code, request) => {
    const writer = new KafkaWriter().int32(0)
    writeTopics(writer, code, topicsOf(request), rest)
    return writer.tags()
  }

const writeTopics = (
  writer: KafkaWriter,
  code: number,
  topics: readonly TopicPartitions[],
  rest: Write,
): void => {
  writer.array(topics, ({ name, partitions }) => {
    writer.string(name).array(partitions, partition => {
      writer.int32(partition).int16(code)
      rest(writer)
      writer.tags()
    })
    writer.tags()
  })
}

/** Skips an offset, its leader epoch and the metadata that goes with it. */
const skipOffset = (reader: KafkaReader): void => {
  reader.skip(12)
  reader.string()
}

const toProduce = (request: KafkaReader): TopicPartitions[] => {
  request.string()
  request.skip(6)
  return readTopics(request, reader => reader.skipBytes())
}

const toAdd = (request: KafkaReader): TopicPartitions[] => {
  request.string()
  request.skip(10)
  // Bare numbers of partitions, without tagged fields of their own.
  return readTopics(request, () => {}, false)
}

const toCommitInTransaction = (request: KafkaReader): TopicPartitions[] => {
  request.string()
  request.string()
  request.skip(14)
  request.string()
  request.string()
  return readTopics(request, skipOffset)
}

const toCommit = (request: KafkaReader): TopicPartitions[] => {
  request.string()
  request.skip(4)
  request.string()
  request.string()
  return readTopics(request, skipOffset)
}

const toList = (request: KafkaReader): TopicPartitions[] => {
  request.skip(5)
  return readTopics(request, reader => reader.skip(12))
}

const produceRefusal: Refusal = (code, request) => {
  const writer = new KafkaWriter()
  // Base offset, append time and first offset are unknown; no errors by record, and no words.
  writeTopics(writer, code, toProduce(request), partition =>
    partition.int64(-1).int64(-1).int64(-1).unsignedVarint(1).string(undefined),
  )
  return writer.int32(0).tags()
}

const coordinatorRefusal: Refusal = (code, request) => {
  request.skip(1)
  const keys = request.array(() => request.string())
  const writer = new KafkaWriter().int32(0)
  writer.array(keys, key =>
    writer.string(key).int32(-1).string('').int32(-1).int16(code).string(undefined).tags(),
  )
  return writer.tags()
}

const offsetFetchRefusal: Refusal = (code, request) => {
  const groups = request.array(() => {
    const group = request.string()
    readTopics(request, () => {}, false)
    request.tags()
    return group
  })
  const writer = new KafkaWriter().int32(0)
  writer.array(groups, group => writer.string(group).unsignedVarint(1).int16(code).tags())
  return writer.tags()
}

const noMembers: Write = writer => writer.unsignedVarint(1)

/** How each API is refused, and by which versions in that form: those that this project's client speaks, and their like. */
const refusals: Readonly<Record<string, { readonly versions: readonly number[]; readonly refuse: Refusal }>> =
  {
    Produce: { versions: [9, 10, 11, 12], refuse: produceRefusal },
    // No session, no topics.
    Fetch: { versions: [12], refuse: atTop(writer => writer.int32(0).unsignedVarint(1)) },
    ListOffsets: {
      versions: [6, 7, 8, 9],
      refuse: perPartition(toList, writer => writer.int64(-1).int64(-1).int32(-1)),
    },
    OffsetCommit: { versions: [8, 9], refuse: perPartition(toCommit) },
    OffsetFetch: { versions: [8], refuse: offsetFetchRefusal },
    FindCoordinator: { versions: [4, 5, 6], refuse: coordinatorRefusal },
    // No generation, protocol, leader or member.
    JoinGroup: {
      versions: [9],
      refuse: atTop(writer =>
        noMembers(writer.int32(-1).string(undefined).string(undefined).string('').int8(0).string('')),
      ),
    },
    SyncGroup: {
      versions: [5],
      refuse: atTop(writer => writer.string(undefined).string(undefined).unsignedVarint(1)),
    },
    Heartbeat: { versions: [4], refuse: atTop() },
    LeaveGroup: { versions: [4, 5], refuse: atTop(noMembers) },
    InitProducerId: { versions: [2, 3, 4, 5], refuse: atTop(writer => writer.int64(-1).int16(-1)) },
    AddPartitionsToTxn: { versions: [3], refuse: perPartition(toAdd) },
    AddOffsetsToTxn: { versions: [3, 4], refuse: atTop() },
    EndTxn: { versions: [3, 4], refuse: atTop() },
    TxnOffsetCommit: { versions: [3, 4], refuse: perPartition(toCommitInTransaction) },
  }

/**
 * The reply by which a broker refuses a request: the error where this API and version have it.
 *
 * Throws `SLUICE_TESTING_NO_ANSWER` for an API or a version that it cannot refuse.
 */
export const refuseRequest = (frame: Buffer, { code }: KafkaAnswer): Buffer => {
  const { apiKey, version, correlationId, body } = readRequest(frame)
  const refusal = refusals[apiName(apiKey)]
  if (refusal?.versions.includes(version) !== true) {
    throw new SluiceError({
      code: 'SLUICE_TESTING_NO_ANSWER',
      message: `the fault proxy cannot answer ${apiName(apiKey)} version ${version} with an error`,
      remedy: `choose another fault, or one of ${Object.keys(refusals).join(', ')}`,
      details: { apiKey, version },
    })
  }
  const reply = new KafkaWriter().int32(correlationId)
  // Only ApiVersions has no tagged fields in a flexible reply's header.
  const content = reply.tags().bytes(refusal.refuse(code, body).toBuffer()).toBuffer()
  return new KafkaWriter().int32(content.length).bytes(content).toBuffer()
}
