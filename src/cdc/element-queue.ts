import type { StreamElement } from './transaction-decoder.ts'

/** Bytes an element stands for in memory; what is around the payload is small and bounded by the table. */
const sizeOf = (element: StreamElement): number =>
  element.kind === 'row' ? 512 + (element.row.payload?.length ?? 0) : 64

/** What has arrived and is not yet in a Kafka transaction; the reader of the socket waits while it is full. */
export class ElementQueue {
  readonly #maxBytes: number
  #elements: StreamElement[] = []
  #bytes = 0
  #failure: Error | undefined
  #wakeReader: (() => void) | undefined
  #wakeWriter: (() => void) | undefined

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get isEmpty(): boolean {
    return this.#elements.length === 0
  }

  get isFull(): boolean {
    return this.#bytes >= this.#maxBytes && this.#failure === undefined
  }

  push(element: StreamElement): void {
    if (this.#failure !== undefined) return
    this.#elements.push(element)
    this.#bytes += sizeOf(element)
    this.#wakeReader?.()
  }

  /** Resolves when there is room again, or nobody will read any more. */
  async room(): Promise<void> {
    while (this.isFull) await new Promise<void>(resolve => (this.#wakeWriter = resolve))
  }

  /** Ends the queue: `take` rejects with this, pushes are dropped, waiting writers go on. The first failure counts. */
  fail(failure: Error): void {
    this.#failure ??= failure
    this.#elements = []
    this.#bytes = 0
    this.#wakeReader?.()
    this.#wakeWriter?.()
  }

  /** Waits for the first element, then gives what is there, within the limits; at least one. */
  async take(maxRecords: number, maxBytes: number): Promise<StreamElement[]> {
    while (this.#elements.length === 0 && this.#failure === undefined)
      await new Promise<void>(resolve => (this.#wakeReader = resolve))
    if (this.#failure !== undefined) throw this.#failure
    let count = 0
    let bytes = 0
    while (count < this.#elements.length && count < maxRecords && bytes < maxBytes) {
      const element = this.#elements[count]
      if (element !== undefined) bytes += sizeOf(element)
      count += 1
    }
    const taken = this.#elements.splice(0, count)
    this.#bytes -= bytes
    if (!this.isFull) this.#wakeWriter?.()
    return taken
  }
}
