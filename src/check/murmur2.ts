const multiplier = 0x5bd1e995
const seed = 0x9747b28c | 0

const mix = (word: number): number => {
  const scrambled = Math.imul(word, multiplier)
  return Math.imul(scrambled ^ (scrambled >>> 24), multiplier)
}

/** 32-bit MurmurHash2 with Kafka's seed, as a signed integer: what Java's default partitioner hashes keys with. */
export const murmur2 = (bytes: Uint8Array): number => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const whole = bytes.length - (bytes.length % 4)
  let hash = seed ^ bytes.length
  for (let index = 0; index < whole; index += 4) {
    hash = Math.imul(hash, multiplier) ^ mix(view.getInt32(index, true))
  }
  if (whole < bytes.length) {
    for (let index = bytes.length - 1; index >= whole; index -= 1) {
      hash ^= (bytes[index] ?? 0) << (8 * (index - whole))
    }
    hash = Math.imul(hash, multiplier)
  }
  hash ^= hash >>> 13
  hash = Math.imul(hash, multiplier)
  return hash ^ (hash >>> 15)
}

/** The partition in which a key belongs, by Kafka's default partitioner. */
export const partitionOf = (key: string, partitionCount: number): number =>
  (murmur2(Buffer.from(key, 'utf8')) & 0x7fffffff) % partitionCount
