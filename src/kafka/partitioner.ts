const seed = 0x9747b28c
const multiplier = 0x5bd1e995

/**
 * Kafka's murmur2 of a key, as a signed 32-bit integer, bit for bit what the Java clients compute.
 *
 * @example murmur2(Buffer.from('21')) // -973932308
 */
export const murmur2 = (key: Buffer): number => {
  const length = key.length
  let hash = seed ^ length
  const whole = length - (length % 4)
  for (let index = 0; index < whole; index += 4) {
    let word = key.readInt32LE(index)
    word = Math.imul(word, multiplier)
    word ^= word >>> 24
    word = Math.imul(word, multiplier)
    hash = Math.imul(hash, multiplier) ^ word
  }
  const rest = length % 4
  if (rest > 0) {
    if (rest === 3) hash ^= (key[whole + 2] ?? 0) << 16
    if (rest >= 2) hash ^= (key[whole + 1] ?? 0) << 8
    hash ^= key[whole] ?? 0
    hash = Math.imul(hash, multiplier)
  }
  hash ^= hash >>> 13
  hash = Math.imul(hash, multiplier)
  return hash ^ (hash >>> 15)
}

/**
 * The partition of a key, equal to Java's default partitioner, so that keys written by any client of the
 * project and by Debezium or Kafka Streams meet in the same partition.
 *
 * @example partitionFor(Buffer.from('sku-1'), 4)
 */
export const partitionFor = (key: Buffer, partitionCount: number): number =>
  (murmur2(key) & 0x7fffffff) % partitionCount
