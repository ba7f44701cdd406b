const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

const int16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

/** A request of Kafka by a client without an id, or a reply. */
export const kafkaFrame = (frame: {
  readonly key?: number
  readonly version?: number
  readonly id: number
  readonly body?: Buffer
  readonly isReply?: boolean
}): Buffer => {
  const { key = 0, version = 0, id, body = Buffer.alloc(0), isReply = false } = frame
  // No tagged fields, in case the version has them.
  const head = isReply ? [int32(id)] : [int16(key), int16(version), int32(id), int16(-1), Buffer.from([0])]
  const content = Buffer.concat([...head, body])
  return Buffer.concat([int32(content.length), content])
}

/** A frame of CQL's native protocol 4. */
export const cqlFrame = (frame: {
  readonly opcode: number
  readonly stream: number
  readonly body?: Buffer
  readonly isReply?: boolean
}): Buffer => {
  const { opcode, stream, body = Buffer.alloc(0), isReply = false } = frame
  const version = isReply ? 0x84 : 0x04
  return Buffer.concat([
    Buffer.from([version, 0]),
    int16(stream),
    Buffer.from([opcode]),
    int32(body.length),
    body,
  ])
}

export const cqlLongString = (text: string): Buffer =>
  Buffer.concat([int32(Buffer.byteLength(text)), Buffer.from(text)])

export const cqlShortBytes = (bytes: Buffer): Buffer => Buffer.concat([int16(bytes.length), bytes])

export const cqlShort = int16
export const cqlInt = int32

/** Postgres' start-up: protocol 3.0, one user. */
export const startup = ((): Buffer => {
  const content = Buffer.concat([int32(196_608), Buffer.from('user\0test\0\0')])
  return Buffer.concat([int32(content.length + 4), content])
})()
