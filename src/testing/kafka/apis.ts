/**
 * Kafka's requests by key, with the first version whose header and body are flexible (KIP-482); from the message
 * definitions of Apache Kafka 4.1. Others are named `Api<key>`, and taken as never flexible.
 */
const apis: ReadonlyMap<number, readonly [name: string, flexibleFrom: number]> = new Map([
  [0, ['Produce', 9]],
  [1, ['Fetch', 12]],
  [2, ['ListOffsets', 6]],
  [3, ['Metadata', 9]],
  [8, ['OffsetCommit', 8]],
  [9, ['OffsetFetch', 6]],
  [10, ['FindCoordinator', 3]],
  [11, ['JoinGroup', 6]],
  [12, ['Heartbeat', 4]],
  [13, ['LeaveGroup', 4]],
  [14, ['SyncGroup', 4]],
  [15, ['DescribeGroups', 5]],
  [16, ['ListGroups', 3]],
  [17, ['SaslHandshake', Infinity]],
  [18, ['ApiVersions', 3]],
  [19, ['CreateTopics', 5]],
  [20, ['DeleteTopics', 4]],
  [21, ['DeleteRecords', 2]],
  [22, ['InitProducerId', 2]],
  [24, ['AddPartitionsToTxn', 3]],
  [25, ['AddOffsetsToTxn', 3]],
  [26, ['EndTxn', 3]],
  [28, ['TxnOffsetCommit', 3]],
  [32, ['DescribeConfigs', 4]],
  [36, ['SaslAuthenticate', 2]],
  [37, ['CreatePartitions', 2]],
  [42, ['DeleteGroups', 2]],
  [44, ['IncrementalAlterConfigs', 1]],
  [60, ['DescribeCluster', 0]],
  [61, ['DescribeProducers', 0]],
  [65, ['DescribeTransactions', 0]],
  [66, ['ListTransactions', 0]],
  [68, ['ConsumerGroupHeartbeat', 0]],
  [69, ['ConsumerGroupDescribe', 0]],
  [75, ['DescribeTopicPartitions', 0]],
])

export const apiName = (key: number): string => apis.get(key)?.[0] ?? `Api${key}`

export const isFlexible = (key: number, version: number): boolean =>
  version >= (apis.get(key)?.[1] ?? Infinity)
