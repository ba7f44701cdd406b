/** Reads Kafka's primitive types off a frame; `isFlexible` picks the compact forms with tagged fields (KIP-482). */
export class KafkaReader {
  readonly bytes: Buffer
  readonly isFlexible: boolean
  position: number

  constructor(bytes: Buffer, isFlexible: boolean, position: number) {
    this.bytes = bytes
    this.isFlexible = isFlexible
    this.position = position
  }

  int16(): number {
    this.position += 2
    return this.bytes.readInt16BE(this.position - 2)
  }

  int32(): number {
    this.position += 4
    return this.bytes.readInt32BE(this.position - 4)
  }

  unsignedVarint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.bytes.readUInt8(this.position)
      this.position += 1
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) break
    }
    return value
  }

  /** A string; null as undefined. */
  string(): string | undefined {
    const length = this.isFlexible ? this.unsignedVarint() - 1 : this.int16()
    if (length < 0) return undefined
    this.position += length
    return this.bytes.toString('utf8', this.position - length, this.position)
  }

  skip(length: number): void {
    this.position += length
  }

  /** Skips bytes with their length in front. */
  skipBytes(): void {
    const length = this.isFlexible ? this.unsignedVarint() - 1 : this.int32()
    this.position += Math.max(0, length)
  }

  /** Reads each element of an array; null as empty. */
  array<Element>(read: () => Element): Element[] {
    const length = this.isFlexible ? this.unsignedVarint() - 1 : this.int32()
    return Array.from({ length: Math.max(0, length) }, read)
  }

  tags(): void {
    if (!this.isFlexible) return
    for (let count = this.unsignedVarint(); count > 0; count--) {
      this.unsignedVarint()
      const length = this.unsignedVarint()
      this.position += length
    }
  }
}

/** Writes them; the compact forms only, which is what all versions of today use. */
export class KafkaWriter {
  readonly #parts: Buffer[] = []

  int8(value: number): this {
    return this.bytes(Buffer.from([value]))
  }

  int16(value: number): this {
    const bytes = Buffer.alloc(2)
    bytes.writeInt16BE(value)
    return this.bytes(bytes)
  }

  int32(value: number): this {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(value)
    return this.bytes(bytes)
  }

  int64(value: number): this {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64BE(BigInt(value))
    return this.bytes(bytes)
  }

  unsignedVarint(value: number): this {
    const bytes: number[] = []
    let rest = value
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
    bytes.push(rest)
    return this.bytes(Buffer.from(bytes))
  }

  /** A compact string; undefined as null. */
  string(value: string | undefined): this {
    if (value === undefined) return this.unsignedVarint(0)
    const bytes = Buffer.from(value)
    return this.unsignedVarint(bytes.length + 1).bytes(bytes)
  }

  /** A compact array. */
  array<Element>(elements: readonly Element[], write: (element: Element) => void): this {
    this.unsignedVarint(elements.length + 1)
    for (const element of elements) write(element)
    return this
  }

  /** No tagged fields. */
  tags(): this {
    return this.unsignedVarint(0)
  }

  bytes(bytes: Buffer): this {
    this.#parts.push(bytes)
    return this
  }

  toBuffer(): Buffer {
    return Buffer.concat(this.#parts)
  }
}
