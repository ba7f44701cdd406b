/** Reads Kafka's primitive types from one flat buffer, advancing; byte strings are views, never copies. */
export class ByteReader {
  readonly buffer: Buffer
  position: number

  constructor(buffer: Buffer, position = 0) {
    this.buffer = buffer
    this.position = position
  }

  int8(): number {
    return this.buffer.readInt8(this.position++)
  }

  int16(): number {
    const value = this.buffer.readInt16BE(this.position)
    this.position += 2
    return value
  }

  int32(): number {
    const value = this.buffer.readInt32BE(this.position)
    this.position += 4
    return value
  }

  /** A 64-bit integer known to be a safe one: offsets, timestamps. */
  int64(): number {
    const value = readSafeInt64(this.buffer, this.position)
    this.position += 8
    return value
  }

  bigInt64(): bigint {
    const value = this.buffer.readBigInt64BE(this.position)
    this.position += 8
    return value
  }

  unsignedVarint(): number {
    const buffer = this.buffer
    let position = this.position
    let byte = buffer[position++] ?? 0
    let value = byte & 0x7f
    for (let shift = 7; byte > 127 && shift < 35; shift += 7) {
      byte = buffer[position++] ?? 0
      value |= (byte & 0x7f) << shift
    }
    this.position = position
    return value >>> 0
  }

  varint(): number {
    const value = this.unsignedVarint()
    return (value >>> 1) ^ -(value & 1)
  }

  /** A zigzag varlong whose value is a safe integer (timestamp deltas). */
  varlong(): number {
    const buffer = this.buffer
    let byte = buffer[this.position++] ?? 0
    if (byte < 128) return (byte >>> 1) ^ -(byte & 1)
    let value = byte & 0x7f
    let scale = 128
    while (byte > 127) {
      byte = buffer[this.position++] ?? 0
      value += (byte & 0x7f) * scale
      scale *= 128
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  view(length: number): Buffer {
    const start = this.position
    const end = start + length
    // A length beyond the buffer is damage, and `subarray` would silently shorten it.
    if (length < 0 || end > this.buffer.length)
      throw new RangeError(`${length} bytes wanted at ${start} of ${this.buffer.length}`)
    this.position = end
    return this.buffer.subarray(start, end)
  }

  string(): string {
    return this.view(this.int16()).toString('utf8')
  }

  compactString(): string {
    const length = this.unsignedVarint() - 1
    return length <= 0 ? '' : this.view(length).toString('utf8')
  }

  bytes(): Buffer | null {
    const length = this.int32()
    return length < 0 ? null : this.view(length)
  }

  skipTaggedFields(): void {
    const count = this.unsignedVarint()
    for (let index = 0; index < count; index++) {
      this.unsignedVarint()
      const length = this.unsignedVarint()
      this.position += length
    }
  }
}

export const readSafeInt64 = (buffer: Buffer, position: number): number =>
  buffer.readInt32BE(position) * 0x100000000 + buffer.readUInt32BE(position + 4)

export const writeSafeInt64 = (buffer: Buffer, position: number, value: number): void => {
  buffer.writeInt32BE(Math.floor(value / 0x100000000), position)
  buffer.writeUInt32BE(value - Math.floor(value / 0x100000000) * 0x100000000, position + 4)
}

/** Bytes of a zigzag varint or varlong; exact for safe integers. */
export const sizeOfVarint = (value: number): number => {
  let rest = value >= 0 ? value * 2 : -value * 2 - 1
  let size = 1
  while (rest >= 128) {
    rest = Math.floor(rest / 128)
    size++
  }
  return size
}

/** Writes a zigzag varint or varlong and returns the position after it. */
export const writeVarint = (buffer: Buffer, position: number, value: number): number => {
  let rest = value >= 0 ? value * 2 : -value * 2 - 1
  while (rest >= 0x80000000) {
    buffer[position++] = (rest % 128) | 128
    rest = Math.floor(rest / 128)
  }
  while (rest >= 128) {
    buffer[position++] = (rest & 127) | 128
    rest >>>= 7
  }
  buffer[position++] = rest
  return position
}
