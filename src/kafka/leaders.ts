import type { Broker } from '@platformatic/kafka'
import type { ClusterMetadata } from './metadata.ts'
import type { TopicPartition } from './types.ts'

export interface LedBy<Item> {
  readonly address: string
  readonly leader: Broker
  readonly items: Item[]
}

/** Things of partitions by the broker that leads them now; `leaderless` is what has no leader known. */
export const groupByLeader = async <Item extends TopicPartition>(
  metadata: ClusterMetadata,
  items: Iterable<Item>,
): Promise<{ readonly led: readonly LedBy<Item>[]; readonly leaderless: readonly Item[] }> => {
  const led = new Map<string, LedBy<Item>>()
  const leaderless: Item[] = []
  for (const item of items) {
    const leader = await metadata.leader(item)
    if (leader === undefined) {
      leaderless.push(item)
      continue
    }
    const address = `${leader.host}:${leader.port}`
    const known = led.get(address)
    if (known === undefined) led.set(address, { address, leader, items: [item] })
    else known.items.push(item)
  }
  return { led: [...led.values()], leaderless }
}
