/** Writes into `buffer` at `position`; the end position, or minus the number of bytes that were missing. */
export type WriteInto = (buffer: Buffer, position: number) => number

const slabBytes = 65_536

/**
 * Cuts buffers out of large chunks, so that small values cost no allocation of their own. What it has given out is never
 * written again.
 */
export const slabAllocator = (): ((prefixLength: number, write: WriteInto) => Buffer) => {
  let slab = Buffer.allocUnsafeSlow(slabBytes)
  let position = 0
  return (prefixLength, write) => {
    for (;;) {
      const end = write(slab, position + prefixLength)
      if (end >= 0 && end <= slab.length) {
        const bytes = slab.subarray(position, end)
        position = end
        return bytes
      }
      const needed = prefixLength - end + (slab.length - position)
      slab = Buffer.allocUnsafeSlow(Math.max(slabBytes, needed))
      position = 0
    }
  }
}
