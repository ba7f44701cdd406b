import type { OutboxEnvelope, StockUpdate } from '../../../schemas/types.ts'
import * as topics from '../../../topology/topics.ts'
import type { OrderLine } from '../order.ts'
import type { FoundRecord, OrderEvents } from './order-events.ts'
import type { PostgresEvidence } from './read-postgres.ts'
import type { ReservationEvidence } from './read-cassandra.ts'
import type { StepName, TraceClock, TraceStep } from './types.ts'

type Details = Partial<Omit<TraceStep, 'step' | 'text'>>

/** A step that has happened, unless `details` says otherwise. */
export const stepOf = (step: StepName, text: string, details: Details = {}): TraceStep => ({
  step,
  state: 'done',
  at: null,
  clock: null,
  sku: null,
  place: null,
  waitsFor: null,
  ...details,
  text,
})

const at = (time: number, clock: TraceClock): Details => ({ at: time, clock })

const onLog = ({ topic, partition, offset, committedAt, isOpen }: FoundRecord): Details => ({
  state: isOpen ? 'open' : 'done',
  at: committedAt,
  clock: committedAt === null ? null : 'broker',
  place: { topic, partition, offset },
  waitsFor: isOpen ? 'the end of the transaction that wrote it' : null,
})

const units = (quantity: number, sku: string): string => `${quantity} x ${sku}`

/** What Postgres and the relay's record tell. */
export const acceptanceSteps = (
  { order, key, outboxAt }: PostgresEvidence,
  outbox: FoundRecord | undefined,
): TraceStep[] => {
  if (order === undefined) return []
  const envelope = outbox?.value as OutboxEnvelope | undefined
  const keyed = key === undefined ? '' : `, Idempotency-Key ${key.key} (${key.state})`
  const table = outboxAt === undefined ? 'pruned' : 'in the table'
  // A snapshot's time is its own, not that of the commits that it found.
  const isSnapshot = envelope !== undefined && envelope.op === 'r'
  const committed = envelope === undefined || isSnapshot ? outboxAt : envelope.source.ts_ms
  const row = `order and outbox row (${table})`
  return [
    stepOf('accepted', `POST /orders${keyed}`, at(order.createdAt, 'service')),
    stepOf('committed', row, committed === undefined ? {} : at(committed, 'postgres')),
    ...(outbox === undefined
      ? []
      : [stepOf('relayed', isSnapshot ? 'by the snapshot' : lsnOf(envelope), onLog(outbox))]),
  ]
}

const lsnOf = (envelope: OutboxEnvelope | undefined): string => {
  const lsn = envelope?.source.lsn
  if (lsn === null || lsn === undefined) return ''
  const high = Math.floor(lsn / 2 ** 32).toString(16)
  return `LSN ${high}/${(lsn % 2 ** 32).toString(16).padStart(8, '0')}`.toUpperCase()
}

/** The reservation of each line, and what settlement made of it. */
export const stockSteps = (
  lines: readonly Pick<OrderLine, 'sku' | 'quantity' | 'generation'>[],
  reservations: readonly ReservationEvidence[],
): TraceStep[] =>
  lines.flatMap(({ sku, generation }) => {
    const found = reservations.find(reservation => reservation.sku === sku)
    if (found?.row === undefined) {
      if (found === undefined || generation === null) return []
      const why = found.hasGeneration ? 'the row is not there' : 'it was closed and deleted since'
      return [stepOf('reserved', `in generation ${generation}; ${why}`, { sku })]
    }
    const { quantity, reservedAt, settledBy, state, writtenAt } = found.row
    const reserved = stepOf('reserved', `${units(quantity, sku)}, generation ${found.row.generation}`, {
      sku,
      ...(reservedAt === undefined ? {} : at(reservedAt, 'cassandra')),
    })
    if (state === 'held') return [reserved]
    const by = settledBy === undefined ? 'before the commit' : `by ledger version ${settledBy}`
    const name = state === 'sold' ? 'sold' : 'released'
    return [reserved, stepOf(name, `${units(quantity, sku)}, ${by}`, { sku, ...at(writtenAt, 'cassandra') })]
  })

const levelOf = ({ version, onHand, reserved, sold }: StockUpdate): string =>
  `v${version}: on hand ${onHand}, reserved ${reserved}, sold ${sold}`

/** The order's own records, and those of its lines, as far as they are there. */
export const eventSteps = (events: OrderEvents, skus: readonly string[]): TraceStep[] => {
  const recordOf = (step: StepName, topic: string, text = ''): TraceStep[] => {
    const found = events.one(topic)
    return found === undefined ? [] : [stepOf(step, text, onLog(found))]
  }
  const reasons = events.rejection()?.reasons.map(({ code, message }) => `${code}: ${message}`)
  const lineSteps = (types: readonly ('line' | 'sale' | 'release')[]): TraceStep[] =>
    skus.flatMap(sku =>
      types.flatMap(type => {
        const movement = events.movement(type, sku)
        const update = events.update(type, sku)
        return [
          ...(movement === undefined ? [] : [stepOf(type, sku, { sku, ...onLog(movement) })]),
          ...(update === undefined
            ? []
            : [stepOf(endOf(update.value), `${sku} ${levelOf(update.value)}`, { sku, ...onLog(update) })]),
        ]
      }),
    )
  return [
    ...recordOf('order-created', topics.orderCreated.name),
    ...recordOf('order-validated', topics.orderValidated.name),
    ...lineSteps(['line']),
    ...recordOf('order-confirmed', topics.orderConfirmed.name),
    ...recordOf('order-rejected', topics.orderRejected.name, reasons?.join('; ')),
    ...lineSteps(['sale', 'release']),
  ]
}

const endOf = ({ type }: StockUpdate): StepName => (type === 'adjustment' ? 'reservation' : type)

/** Those with a time in its order (equal times stay as the flow has them), then those without, then what is waited for. */
export const inOrder = (steps: readonly TraceStep[]): TraceStep[] => {
  const rank = ({ at: time, state }: TraceStep): number => (state === 'waiting' ? 2 : time === null ? 1 : 0)
  return steps.toSorted((left, right) => rank(left) - rank(right) || (left.at ?? 0) - (right.at ?? 0))
}
