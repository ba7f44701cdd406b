import type { Address } from '../fault-proxy.ts'
import { isFlexible } from './apis.ts'
import { KafkaReader, KafkaWriter } from './wire.ts'

/** Where a frame names a broker's host and port. */
interface Place {
  readonly start: number
  readonly end: number
  readonly host: string
  readonly port: number
}

const readPlace = (reader: KafkaReader): Place => {
  const start = reader.position
  const host = reader.string() ?? ''
  const port = reader.int32()
  return { start, end: reader.position, host, port }
}

const metadataKey = 3
const findCoordinatorKey = 10
const describeClusterKey = 60

const placesInMetadata = (reader: KafkaReader, version: number): Place[] => {
  if (version >= 3) reader.int32()
  return reader.array(() => {
    reader.int32()
    const place = readPlace(reader)
    if (version >= 1) reader.string()
    reader.tags()
    return place
  })
}

const placesInFindCoordinator = (reader: KafkaReader, version: number): Place[] => {
  if (version >= 1) reader.int32()
  if (version >= 4) {
    return reader.array(() => {
      reader.string()
      reader.int32()
      const place = readPlace(reader)
      reader.int16()
      reader.string()
      reader.tags()
      return place
    })
  }
  reader.int16()
  if (version >= 1) reader.string()
  reader.int32()
  return [readPlace(reader)]
}

const placesInDescribeCluster = (reader: KafkaReader, version: number): Place[] => {
  reader.int32()
  reader.int16()
  reader.string()
  if (version >= 1) reader.position += 1
  reader.string()
  reader.int32()
  return reader.array(() => {
    reader.int32()
    const place = readPlace(reader)
    reader.string()
    if (version >= 2) reader.position += 1
    reader.tags()
    return place
  })
}

const readers = new Map([
  [metadataKey, placesInMetadata],
  [findCoordinatorKey, placesInFindCoordinator],
  [describeClusterKey, placesInDescribeCluster],
])

const encode = ({ host, port }: Address, flexible: boolean): Buffer => {
  const writer = new KafkaWriter()
  if (flexible) writer.string(host)
  else writer.int16(Buffer.byteLength(host)).bytes(Buffer.from(host))
  return writer.int32(port).toBuffer()
}

/**
 * A reply with each broker that has a proxy named by the proxy's address, so that clients do not go around it; other
 * replies, and other brokers in it, stay as they are.
 *
 * @param addresses The proxy's addresses by the brokers' `host:port`.
 */
export const withOwnAddresses = (
  frame: Buffer,
  apiKey: number,
  version: number,
  addresses: ReadonlyMap<string, Address>,
): Buffer => {
  const places = readers.get(apiKey)
  if (places === undefined) return frame
  const flexible = isFlexible(apiKey, version)
  const reader = new KafkaReader(frame, flexible, 8)
  reader.tags()
  const parts: Buffer[] = []
  let copied = 4
  for (const { start, end, host, port } of places(reader, version)) {
    const own = addresses.get(`${host}:${port}`)
    if (own === undefined) continue
    parts.push(frame.subarray(copied, start), encode(own, flexible))
    copied = end
  }
  const body = Buffer.concat([...parts, frame.subarray(copied)])
  return new KafkaWriter().int32(body.length).bytes(body).toBuffer()
}
