import { isFlexible } from './apis.ts'
import { KafkaReader } from './wire.ts'

/** The header of a request frame. */
export interface KafkaRequest {
  readonly apiKey: number
  readonly version: number
  readonly correlationId: number
  readonly clientId: string | undefined
  /** At the body. */
  readonly body: KafkaReader
}

/** Reads a request frame, length in front. */
export const readRequest = (frame: Buffer): KafkaRequest => {
  const apiKey = frame.readInt16BE(4)
  const version = frame.readInt16BE(6)
  // The client's id kept its old form in all versions of the header.
  const head = new KafkaReader(frame, false, 12)
  const clientId = head.string()
  const body = new KafkaReader(frame, isFlexible(apiKey, version), head.position)
  body.tags()
  return { apiKey, version, correlationId: frame.readInt32BE(8), clientId, body }
}

/** Partitions by topic, as most requests name them. */
export interface TopicPartitions {
  readonly name: string | undefined
  readonly partitions: readonly number[]
}

/**
 * Reads an array of topics, each with an array of partitions.
 *
 * @param skipRest Skips what follows a partition's index, up to its tagged fields.
 */
export const readTopics = (
  reader: KafkaReader,
  skipRest: (reader: KafkaReader) => void = () => {},
  hasPartitionTags = true,
): TopicPartitions[] =>
  reader.array(() => {
    const name = reader.string()
    const partitions = reader.array(() => {
      const index = reader.int32()
      skipRest(reader)
      if (hasPartitionTags) reader.tags()
      return index
    })
    reader.tags()
    return { name, partitions }
  })
