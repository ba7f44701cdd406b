import { filter, map, mergeMap } from 'rxjs'
import {
  dedupe,
  from,
  mapValue,
  merge,
  named,
  process,
  repartition,
  to,
  topology,
  withKey,
  withValue,
} from '../src/streams/dsl/index.ts'
import { gather, nothingGathered } from './gathering.ts'
import { applyMovement, emptyLevel, entryKeyOf, requirePlace, updateOf } from './ledger.ts'
import { movementOf } from './movements.ts'
import { faultsOf } from './order-rules.ts'
import { adjustmentOf, insertedRow, orderOf } from './outbox.ts'
import * as topics from './topics.ts'

// 1. The outbox: each event once, whoever relays it.
const outboxRows = from(topics.outboxEvent).pipe(
  mergeMap(m => {
    const row = insertedRow(m.value)
    return row === null ? [] : [withValue(m, row)]
  }),
  dedupe('outbox-events', {
    ...topics.seenEvents,
    id: m => m.value.id,
    mark: m => ({ seenAt: m.timestamp }),
  }),
)
const created = outboxRows.pipe(
  filter(m => m.value.type === 'OrderCreated'),
  named(
    'read-order',
    map(m => withValue(withKey(m, m.value.aggregateid), orderOf(m.value))),
  ),
)
const adjustments = outboxRows.pipe(
  filter(m => m.value.type === 'StockAdjusted'),
  named(
    'read-adjustment',
    map(m => withValue(withKey(m, m.value.aggregateid), adjustmentOf(m.value))),
  ),
)

// 2. The rules. A rejected order's reservations go back through the ledger, so that credits come from the log alone.
const examined = from(topics.orderCreated).pipe(
  named(
    'examine-order',
    mapValue(order => ({ order, reasons: faultsOf(order) })),
  ),
)
const valid = examined.pipe(
  filter(m => m.value.reasons.length === 0),
  mapValue(({ order }) => order),
)
const faulty = examined.pipe(filter(m => m.value.reasons.length > 0))

// 3. The ledger: the authority on each SKU's history. One update for each event that changed something.
const updates = from(topics.stockMovement).pipe(
  process(
    'stock-ledger',
    { levels: topics.stockLevels, entries: topics.stockEntries },
    (m, { levels, entries }) => {
      requirePlace(m.key, m.value)
      const entryKey = entryKeyOf(m.value)
      const applied = applyMovement(levels.get(m.key) ?? emptyLevel, entries.get(entryKey), m.value)
      if (applied === undefined) return []
      levels.put(m.key, applied.level)
      entries.put(entryKey, applied.entry)
      return [updateOf(m.value, applied)]
    },
  ),
)

// 4. The lines come back to their order, which ends when the ledger has decided on each.
const decisions = from(topics.stockUpdate).pipe(
  filter(m => m.value.type === 'reservation' || m.value.type === 'refusal'),
  mergeMap(m => (m.value.orderId === null ? [] : [withKey(m, m.value.orderId)])),
  repartition('line-decisions', topics.lineDecisions),
)
const ends = merge(from(topics.orderValidated), decisions).pipe(
  process('gather-lines', { gatherings: topics.gatherings }, (m, { gatherings }) => {
    const { gathering, end } = gather(gatherings.get(m.key) ?? nothingGathered, m.value, m.timestamp)
    gatherings.put(m.key, gathering)
    return end === undefined ? [] : [end]
  }),
)

/**
 * The order flow: outbox_event → order-created → order-validated → stock-movement → stock-update → order-confirmed, or
 * order-rejected with what was taken given back.
 */
export const orders = topology(
  'orders',
  {
    'order-created': created.pipe(to(topics.orderCreated)),
    'adjust-stock': adjustments.pipe(to(topics.stockMovement)),
    'order-validated': valid.pipe(to(topics.orderValidated)),
    'reserve-lines': valid.pipe(
      named(
        'split-lines',
        mergeMap(m =>
          m.value.lines.map(line =>
            withValue(withKey(m, line.sku), movementOf('line', m.value.orderId, line, m.value.createdAt)),
          ),
        ),
      ),
      to(topics.stockMovement),
    ),
    'reject-faulty': faulty.pipe(
      mapValue(({ order, reasons }, m) => ({ orderId: order.orderId, reasons, rejectedAt: m.timestamp })),
      to(topics.orderRejected),
    ),
    'release-faulty': faulty.pipe(
      mergeMap(m =>
        m.value.order.lines
          .filter(line => line.quantity > 0)
          .map(line =>
            withValue(withKey(m, line.sku), movementOf('release', m.value.order.orderId, line, m.timestamp)),
          ),
      ),
      to(topics.stockMovement),
    ),
    'stock-update': updates.pipe(to(topics.stockUpdate)),
    'order-confirmed': ends.pipe(
      mergeMap(m => (m.value.kind === 'confirmed' ? [withValue(m, m.value.confirmed)] : [])),
      to(topics.orderConfirmed),
    ),
    'order-rejected': ends.pipe(
      mergeMap(m => (m.value.kind === 'rejected' ? [withValue(m, m.value.rejected)] : [])),
      to(topics.orderRejected),
    ),
    'settle-lines': ends.pipe(
      named(
        'sell-or-release',
        mergeMap(m => {
          const { order, kind } = m.value
          const lines =
            kind === 'confirmed'
              ? order.lines
              : order.lines.filter(line => m.value.kind === 'rejected' && m.value.taken.includes(line.sku))
          const type = kind === 'confirmed' ? 'sale' : 'release'
          return lines.map(line =>
            withValue(withKey(m, line.sku), movementOf(type, order.orderId, line, m.timestamp)),
          )
        }),
      ),
      to(topics.stockMovement),
    ),
  },
  // A bad record is parked, and costs one order or one SKU's event until it is retried, not all that come behind it. None of them
  // has a place in a chain: the ledger numbers an event when it applies it, and late or repeated ones change nothing.
  {
    failures: { default: 'dead-letter' },
    allow: [
      {
        rule: 'unbounded-state',
        of: 'stock-ledger',
        because: 'one level per SKU ever stocked, not per order',
      },
    ],
  },
)
