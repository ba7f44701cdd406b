import type {
  AdjustmentRow,
  Evidence,
  LedgerEntry,
  LogEvidence,
  MovementRecord,
  OrderRecord,
  OrderRow,
  OutboxRecord,
  OutboxRow,
  StockGeneration,
  StockRow,
  StockStateRow,
  StockUpdateRow,
  UpdateRecord,
} from '../../src/check/evidence.ts'
import { topicOf } from '../../src/check/evidence.ts'
import { partitionOf } from '../../src/check/murmur2.ts'

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

interface MutableStreams {
  outbox: Mutable<OutboxRecord>[]
  created: Mutable<OrderRecord>[]
  validated: Mutable<OrderRecord>[]
  confirmed: Mutable<OrderRecord>[]
  rejected: Mutable<OrderRecord>[]
  movements: Mutable<MovementRecord>[]
  updates: Mutable<UpdateRecord>[]
}

/** Evidence that a test may change. */
export interface World extends Omit<Evidence, 'log'> {
  readonly orders: Map<string, Mutable<OrderRow>>
  readonly adjustments: Map<string, Mutable<AdjustmentRow>>
  readonly abandonedAdjustments: Set<string>
  readonly outboxRows: Map<string, OutboxRow>
  readonly stock: Map<string, (Mutable<Omit<StockGeneration, 'rows'>> & { rows: Mutable<StockRow>[] })[]>
  readonly stockStates: Map<string, Mutable<StockStateRow>>
  readonly stockUpdates: Map<string, Mutable<StockUpdateRow>[]>
  readonly log: Omit<LogEvidence, 'committed' | 'aborted' | 'changelog'> & {
    readonly changelog: {
      readonly levels: Map<string, Mutable<StockStateRow>>
      readonly entries: Map<string, Map<string, Mutable<LedgerEntry>>>
    }
    committed: MutableStreams
    aborted: MutableStreams
  }
}

export const partitionCount = 4

/** Ids and SKUs of the n-th copy of the sound world; copies share nothing. */
export const namesOf = (copy: number) => {
  const id = (entity: number): string =>
    `00000000-0000-7000-8000-${copy.toString(16).padStart(6, '0')}${entity.toString(16).padStart(6, '0')}`
  return {
    lamp: `LAMP ${copy}`,
    mug: `MUG_${copy}`,
    sold: id(1),
    refused: id(2),
    initialLamp: id(3),
    initialMug: id(4),
    outboxLamp: id(5),
    outboxMug: id(6),
    outboxSold: id(7),
    outboxRefused: id(8),
    lineLamp: id(9),
    lineMug: id(10),
    releaseLamp: id(11),
    saleLamp: id(12),
    saleMug: id(13),
    created: id(14),
    createdRefused: id(15),
    validated: id(16),
    confirmed: id(17),
    rejected: id(18),
    stranger: id(19),
  }
}

const emptyStreams = (): MutableStreams => ({
  outbox: [],
  created: [],
  validated: [],
  confirmed: [],
  rejected: [],
  movements: [],
  updates: [],
})

/** Two SKUs put in, one order sold (3 lamps, 1 mug), one rejected by validation whose lamp was given back. */
export const soundWorld = (copy = 0): World => {
  const names = namesOf(copy)
  const { lamp, mug, sold, refused } = names
  const committed = emptyStreams()
  const stockUpdates: World['stockUpdates'] = new Map()
  let offset = 0
  const at = (key: string, timestampMs = 1_000) => {
    offset += 1
    return { partition: partitionOf(key, partitionCount), offset, timestampMs, key }
  }
  const outbox = (eventId: string, type: string, key: string, subjectId: string): void => {
    committed.outbox.push({ ...at(key), byRelay: true, eventId, type, subjectId })
  }
  const move = (
    eventId: string,
    type: string,
    sku: string,
    orderId: string | null,
    quantity: number,
  ): void => {
    committed.movements.push({ ...at(sku), eventId, type, sku, orderId, quantity })
  }
  const update = (sku: string, row: StockUpdateRow): void => {
    committed.updates.push({ ...at(sku), sku, mode: 'lwt', ...row })
    stockUpdates.set(sku, [...(stockUpdates.get(sku) ?? []), row])
  }
  const row = (
    version: number,
    eventId: string,
    type: string,
    orderId: string | null,
    quantity: number,
    [onHand, reserved, soldUnits]: readonly [number, number, number],
  ): StockUpdateRow => ({ version, eventId, type, orderId, quantity, onHand, reserved, sold: soldUnits })
  const order = (eventId: string, orderId: string, timestampMs: number, units = 4): OrderRecord => ({
    ...at(orderId, timestampMs),
    eventId,
    orderId,
    units,
    totalMinor: units === 0 ? 0 : 400,
  })

  outbox(names.outboxLamp, 'StockAdjusted', lamp, names.initialLamp)
  outbox(names.outboxMug, 'StockAdjusted', mug, names.initialMug)
  outbox(names.outboxSold, 'OrderCreated', sold, sold)
  outbox(names.outboxRefused, 'OrderCreated', refused, refused)
  committed.created.push(order(names.created, sold, 2_000), order(names.createdRefused, refused, 2_000, 1))
  committed.validated.push(order(names.validated, sold, 2_000))
  committed.confirmed.push(order(names.confirmed, sold, 3_000))
  committed.rejected.push(order(names.rejected, refused, 2_500, 0))
  move(names.initialLamp, 'adjustment', lamp, null, 10)
  move(names.initialMug, 'adjustment', mug, null, 5)
  move(names.lineLamp, 'line', lamp, sold, 3)
  move(names.lineMug, 'line', mug, sold, 1)
  move(names.releaseLamp, 'release', lamp, refused, 1)
  move(names.saleLamp, 'sale', lamp, sold, 3)
  move(names.saleMug, 'sale', mug, sold, 1)
  update(lamp, row(1, names.initialLamp, 'adjustment', null, 10, [10, 0, 0]))
  update(lamp, row(2, names.lineLamp, 'reservation', sold, 3, [10, 3, 0]))
  update(lamp, row(3, names.releaseLamp, 'release', refused, 1, [10, 3, 0]))
  update(lamp, row(4, names.saleLamp, 'sale', sold, 3, [7, 0, 3]))
  update(mug, row(1, names.initialMug, 'adjustment', null, 5, [5, 0, 0]))
  update(mug, row(2, names.lineMug, 'reservation', sold, 1, [5, 1, 0]))
  update(mug, row(3, names.saleMug, 'sale', sold, 1, [4, 0, 1]))

  const reservation = (entry: string, quantity: number, state: string): StockRow => ({
    entry,
    kind: 'reservation',
    quantity,
    state,
    atMs: 2_000,
  })
  const statics = { generation: 0, mode: 'lwt', closed: false }
  const levels = (): [string, StockStateRow][] => [
    [lamp, { onHand: 7, reserved: 0, sold: 3, version: 4 }],
    [mug, { onHand: 4, reserved: 0, sold: 1, version: 3 }],
  ]
  return {
    takenAtMs: 10_000_000,
    orders: new Map([
      [
        sold,
        {
          status: 'confirmed',
          lines: [
            { sku: lamp, quantity: 3 },
            { sku: mug, quantity: 1 },
          ],
          totalMinor: 400,
        },
      ],
      [refused, { status: 'rejected', lines: [{ sku: lamp, quantity: 1 }], totalMinor: 400 }],
    ]),
    abandonedAdjustments: new Set(),
    adjustments: new Map([
      [names.initialLamp, { sku: lamp, quantity: 10 }],
      [names.initialMug, { sku: mug, quantity: 5 }],
    ]),
    outboxRows: new Map([
      [names.outboxLamp, { type: 'StockAdjusted', aggregateId: lamp, subjectId: names.initialLamp }],
      [names.outboxMug, { type: 'StockAdjusted', aggregateId: mug, subjectId: names.initialMug }],
      [names.outboxSold, { type: 'OrderCreated', aggregateId: sold, subjectId: sold }],
      [names.outboxRefused, { type: 'OrderCreated', aggregateId: refused, subjectId: refused }],
    ]),
    stock: new Map([
      [
        lamp,
        [
          {
            ...statics,
            available: 7,
            adjusted: 10,
            sold: 3,
            settledVersion: 4,
            rows: [reservation(sold, 3, 'sold'), reservation(refused, 1, 'released')],
          },
        ],
      ],
      [
        mug,
        [
          {
            ...statics,
            available: 4,
            adjusted: 5,
            sold: 1,
            settledVersion: 3,
            rows: [reservation(sold, 1, 'sold')],
          },
        ],
      ],
    ]),
    stockStates: new Map(levels()),
    stockUpdates,
    log: {
      partitionCounts: new Map(Object.values(topicOf).map(topic => [topic, partitionCount])),
      committed,
      aborted: emptyStreams(),
      changelog: {
        levels: new Map(levels()),
        entries: new Map([
          [
            lamp,
            new Map([
              [names.initialLamp, { state: 'adjusted', quantity: 10 }],
              [sold, { state: 'sold', quantity: 3 }],
              [refused, { state: 'released', quantity: 1 }],
            ]),
          ],
          [
            mug,
            new Map([
              [names.initialMug, { state: 'adjusted', quantity: 5 }],
              [sold, { state: 'sold', quantity: 1 }],
            ]),
          ],
        ]),
      },
      undecided: new Map(),
    },
  }
}
