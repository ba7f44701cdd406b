/** An error of the native protocol. */
export interface CassandraAnswer {
  /** One of `cassandraErrors`, or another code that needs no details. */
  readonly code: number
  /** Of a write timeout: what was being written. Default `CAS`, a conditional write. */
  readonly writeType?: 'SIMPLE' | 'BATCH' | 'UNLOGGED_BATCH' | 'CAS' | 'COUNTER'
}

/** The codes by which Cassandra says that it could not, or does not know. */
export const cassandraErrors = {
  server: 0x0000,
  unavailable: 0x1000,
  overloaded: 0x1001,
  bootstrapping: 0x1002,
  writeTimeout: 0x1100,
  readTimeout: 0x1200,
} as const

const headerBytes = 9
const errorOpcode = 0
const serial = 8

const int16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

const text = (value: string): Buffer => Buffer.concat([int16(Buffer.byteLength(value)), Buffer.from(value)])

/** What follows the message, by code; always of a single replica that did not answer. */
const detailsOf = ({ code, writeType = 'CAS' }: CassandraAnswer): Buffer[] => {
  switch (code) {
    case cassandraErrors.unavailable:
      return [int16(serial), int32(1), int32(0)]
    case cassandraErrors.writeTimeout:
      return [int16(serial), int32(0), int32(1), text(writeType)]
    case cassandraErrors.readTimeout:
      return [int16(serial), int32(0), int32(1), Buffer.from([0])]
    default:
      return []
  }
}

/** The `ERROR` frame by which Cassandra refuses the request in `frame`. */
export const refuseCqlRequest = (frame: Buffer, error: CassandraAnswer): Buffer => {
  const body = Buffer.concat([int32(error.code), text('injected by the fault proxy'), ...detailsOf(error)])
  const header = Buffer.from(frame.subarray(0, headerBytes))
  header.writeUInt8(header.readUInt8(0) | 0x80, 0)
  // No compression, tracing or warnings before the body.
  header.writeUInt8(0, 1)
  header.writeUInt8(errorOpcode, 4)
  header.writeUInt32BE(body.length, 5)
  return Buffer.concat([header, body])
}
