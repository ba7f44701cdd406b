/** What a store's declaration says of forgetting. */
export interface RetentionRule {
  readonly retentionMs: number
  /** Whether a value may be forgotten at all; what has not ended is kept, however old. */
  readonly isEnded: (value: unknown) => boolean
}

const bucketsPerRetention = 64

/**
 * A retention in whole buckets of event time: an entry of a bucket below the horizon is forgotten, so each lives for at least the
 * retention, and for at most a sixty-fourth longer. Between two horizons nothing has to be looked at.
 *
 * @example const { bucketOf, horizonOf } = retentionBuckets(64_000); horizonOf(100_000) // 36
 */
export const retentionBuckets = (
  retentionMs: number,
): {
  /** The bucket of an event time. */
  readonly bucketOf: (timestamp: number) => number
  /** The first bucket that is kept at a stream time. */
  readonly horizonOf: (streamTime: number) => number
} => {
  const bucketMs = Math.max(1, Math.floor(retentionMs / bucketsPerRetention))
  const bucketOf = (timestamp: number): number => Math.floor(timestamp / bucketMs)
  return { bucketOf, horizonOf: streamTime => bucketOf(streamTime - retentionMs) }
}
