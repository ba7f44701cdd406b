import type { ReplayPart } from '../../replay/shadow-topology.ts'
import { materializer } from '../../../topology/materializer.ts'
import { orders } from '../../../topology/orders.ts'

/** How the result of a replay is held against live. */
export type ComparisonKind =
  /** Byte for byte, record by record: the order of the inputs decides everything. */
  | 'exact'
  /** Row for row. */
  | 'views'
  /** Per order and SKU: between keys the order of records may come out differently. */
  | 'outcomes'

/** Something that can be rebuilt by replay. */
export interface ReplayTarget extends ReplayPart {
  readonly name: string
  /** What it rebuilds, from what; for help and plans. */
  readonly description: string
  readonly comparison: ComparisonKind
  /** Words for `start` that say what is read. */
  readonly startNames: readonly string[]
}

const targets: readonly ReplayTarget[] = [
  {
    name: 'ledger',
    description: 'the stock ledger (its stores, and stock-update) from stock-movement',
    topology: orders,
    reading: ['stock-movement'],
    comparison: 'exact',
    startNames: [],
  },
  {
    name: 'views',
    description: 'the tables stock_state and stock_update from stock-update, in a keyspace of their own',
    topology: materializer,
    comparison: 'views',
    startNames: [],
  },
  {
    name: 'orders',
    description: 'the whole order flow from shop.public.outbox_event',
    topology: orders,
    comparison: 'outcomes',
    startNames: ['outbox'],
  },
]

/** By name, as the CLI takes them. */
export const replayTargets: ReadonlyMap<string, ReplayTarget> = new Map(
  targets.map(target => [target.name, target]),
)
