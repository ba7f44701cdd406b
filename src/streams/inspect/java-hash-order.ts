const javaHash = (text: string): number => {
  let hash = 0
  for (let index = 0; index < text.length; index++) hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0
  return hash ^ (hash >>> 16)
}

/**
 * Names in the order in which a Java HashMap gives them back. Kafka Streams builds its description from one, and the order of
 * neighbours in its text follows from that.
 *
 * @example inJavaHashOrder(['b', 'a']) // ['a', 'b']
 */
export const inJavaHashOrder = <T>(items: readonly T[], nameOf: (item: T) => string): readonly T[] => {
  let capacity = 16
  while (items.length > capacity * 0.75) capacity *= 2
  const bucketOf = (item: T): number => javaHash(nameOf(item)) & (capacity - 1)
  return items.toSorted((a, b) => bucketOf(a) - bucketOf(b))
}
