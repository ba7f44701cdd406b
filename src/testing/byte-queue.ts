/** Bytes in the order they arrived, taken off the front in pieces of any size, without copying what still waits. */
export class ByteQueue {
  #chunks: Buffer[] = []
  #length = 0

  get length(): number {
    return this.#length
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return
    this.#chunks.push(chunk)
    this.#length += chunk.length
  }

  /** The first `length` bytes, which stay; undefined while there are fewer. */
  peek(length: number): Buffer | undefined {
    if (this.#length < length) return undefined
    const [first] = this.#chunks
    if (first !== undefined && first.length >= length) return first.subarray(0, length)
    // Headers are short: only what they need is put together.
    const head: Buffer[] = []
    let missing = length
    for (const chunk of this.#chunks) {
      if (missing === 0) break
      head.push(chunk.subarray(0, missing))
      missing -= Math.min(missing, chunk.length)
    }
    return Buffer.concat(head, length)
  }

  /** Takes the first `length` bytes off; undefined while there are fewer. */
  take(length: number): Buffer | undefined {
    if (this.#length < length) return undefined
    const taken: Buffer[] = []
    let missing = length
    while (missing > 0) {
      const [first] = this.#chunks
      if (first === undefined) break
      if (first.length <= missing) {
        taken.push(first)
        this.#chunks.shift()
      } else {
        taken.push(first.subarray(0, missing))
        this.#chunks[0] = first.subarray(missing)
      }
      missing -= Math.min(missing, first.length)
    }
    this.#length -= length
    const [only] = taken
    return taken.length === 1 && only !== undefined ? only : Buffer.concat(taken, length)
  }

  /** Everything there is. */
  takeAll(): Buffer {
    return this.take(this.#length) ?? Buffer.alloc(0)
  }
}

/**
 * Takes one whole frame off; undefined while it is not all there.
 *
 * @param frameLength Bytes of the whole frame that begins with `head`, which holds `headBytes` bytes.
 */
export const takeFrame = (
  queue: ByteQueue,
  headBytes: number,
  frameLength: (head: Buffer) => number,
): Buffer | undefined => {
  const head = queue.peek(headBytes)
  // A length that is none is not waited for: whoever sent it does not speak this protocol.
  return head === undefined ? undefined : queue.take(Math.max(headBytes, frameLength(head)))
}

/** All frames that are whole by now. */
export const takeFrames = (
  queue: ByteQueue,
  headBytes: number,
  frameLength: (head: Buffer) => number,
): Buffer[] => {
  const frames: Buffer[] = []
  for (;;) {
    const frame = takeFrame(queue, headBytes, frameLength)
    if (frame === undefined) return frames
    frames.push(frame)
  }
}
