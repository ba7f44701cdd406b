import type { Cassandra } from '../../cassandra/client.ts'
import { messageOf, SluiceError } from '../../core/errors.ts'
import { mapLimited } from '../../core/limited.ts'
import type { Postgres } from '../../postgres/pool.ts'
import * as topics from '../../../topology/topics.ts'
import type { OrderLine } from '../order.ts'
import { notesOf } from './notes.ts'
import { isInHistory, readIntent, readReservation, type ReservationEvidence } from './read-cassandra.ts'
import { readOrderLog, type LogEvidence, type ReadLogOptions } from './read-log.ts'
import { outboxEventIdOf, readPostgres, type PostgresEvidence } from './read-postgres.ts'
import { acceptanceSteps, eventSteps, inOrder, stepOf, stockSteps } from './steps.ts'
import type { OrderTrace, TraceDeadLetter, TraceStep } from './types.ts'
import { updatesOf, waitingSteps } from './waiting.ts'

/** What a trace is read from. Postgres must answer; what else does not is told in the notes. */
export interface TraceSources extends Omit<ReadLogOptions, 'deadlineMs'> {
  readonly postgres: Pick<Postgres, 'query'>
  readonly cassandra: () => Promise<Pick<Cassandra, 'read'>>
  /** How long the log is read at most. Default 20,000. */
  readonly timeLimitMs?: number
}

// Clocks of service and Postgres may differ by so much.
const marginMs = 300_000
const parallelReads = 8
const defaultTimeLimitMs = 20_000

/**
 * Follows one order through Postgres, the outbox, the topics, the ledger and Cassandra. Nothing is changed or registered anywhere.
 * Only the partitions of its keys are read, from the time of the order on.
 *
 * Errors: SLUICE_TRACE_ORDER_UNKNOWN, SLUICE_POSTGRES_*.
 *
 * @example const { steps, complete } = await traceOrder('0198c0de-7a10-7000-8000-3f2b6c1d9e55', sources)
 */
export const traceOrder = async (orderId: string, sources: TraceSources): Promise<OrderTrace> => {
  if (!uuid.test(orderId)) throw unknownOrder(orderId, 'an order’s id is a UUID')
  const id = orderId.toLowerCase()
  const tracedAt = sources.clock.now()
  const rows = await readPostgres(sources.postgres, id)
  const notes: string[] = []
  const bornAt = rows.order?.status === 'abandoned' ? timeOfId(id) : (rows.order?.createdAt ?? timeOfId(id))
  const stock = await orNote(notes, 'Cassandra', () => readStock(id, bornAt, rows, sources))
  if (rows.order === undefined && stock?.intent === undefined) throw unknownOrder(orderId, hintOf(notes))
  const abandoned = rows.order?.status === 'abandoned'
  const lines = rows.order?.lines ?? []
  const log =
    rows.order === undefined || abandoned
      ? undefined
      : await orNote(notes, 'the log', () => readLog(id, lines, bornAt ?? 0, sources))
  const history =
    log === undefined || stock === undefined
      ? undefined
      : await orNote(notes, 'the history', () => readHistory(log, lines, stock.cassandra))
  const status = rows.order?.status ?? 'uncommitted'
  const waiting =
    log === undefined ? [] : waitingSteps({ log, lines, reservations: stock?.reservations, history, status })
  const steps = inOrder([
    ...acceptanceSteps(rows, log?.events.one(topics.outboxEvent.name)),
    ...stockSteps(lines, stock?.reservations ?? []),
    ...(log === undefined
      ? []
      : eventSteps(
          log.events,
          lines.map(({ sku }) => sku),
        )),
    ...tableSteps(history, lines, status),
    ...(log?.unread.length === 0 ? waiting : []),
  ])
  notes.push(...notesOf(rows, bornAt, stock?.intent, log))
  return {
    orderId: id,
    status,
    customerId: abandoned ? null : (rows.order?.customerId ?? null),
    totalMinor: abandoned ? null : (rows.order?.totalMinor ?? null),
    lines,
    idempotencyKey: rows.key ?? null,
    intent: stock?.intent ?? null,
    outbox: abandoned || rows.order === undefined ? null : outboxOf(id, rows),
    steps,
    deadLetters: log?.deadLetters.map(letterOf) ?? [],
    complete: isComplete(status, steps, log, history),
    notes,
    elapsedMs: elapsedOf(steps),
    tracedAt,
  }
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** When an id was made, if it is a UUIDv7; milliseconds since the epoch. */
const timeOfId = (id: string): number | undefined =>
  id[14] === '7' ? Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) : undefined

interface StockEvidence {
  readonly cassandra: Pick<Cassandra, 'read'>
  readonly reservations: readonly ReservationEvidence[]
  readonly intent: OrderTrace['intent'] | undefined
}

const readStock = async (
  id: string,
  bornAt: number | undefined,
  { order }: PostgresEvidence,
  sources: TraceSources,
): Promise<StockEvidence> => {
  const cassandra = await sources.cassandra()
  const lines = order?.lines ?? []
  const reservations = await mapLimited(lines, parallelReads, line => readReservation(cassandra, id, line))
  const intent = bornAt === undefined ? undefined : await readIntent(cassandra, id, bornAt)
  return { cassandra, reservations: reservations.filter(found => found !== undefined), intent }
}

const readLog = (
  orderId: string,
  lines: readonly OrderLine[],
  bornAt: number,
  sources: TraceSources,
): Promise<LogEvidence> =>
  readOrderLog(
    { orderId, skus: lines.map(({ sku }) => sku), sinceMs: bornAt - marginMs },
    { ...sources, deadlineMs: sources.clock.now() + (sources.timeLimitMs ?? defaultTimeLimitMs) },
  )

const readHistory = async (
  { events }: LogEvidence,
  lines: readonly OrderLine[],
  cassandra: Pick<Cassandra, 'read'>,
): Promise<ReadonlySet<string>> => {
  const updates = updatesOf(events, lines).map(({ value }) => value)
  const there = await mapLimited(updates, parallelReads, update => isInHistory(cassandra, update))
  return new Set(updates.filter((_, index) => there[index] === true).map(({ eventId }) => eventId))
}

const orNote = async <T>(notes: string[], what: string, read: () => Promise<T>): Promise<T | undefined> => {
  try {
    return await read()
  } catch (error) {
    notes.push(`${what} could not be read: ${messageOf(error)}`)
    return undefined
  }
}

const tableSteps = (
  history: ReadonlySet<string> | undefined,
  lines: readonly OrderLine[],
  status: OrderTrace['status'],
): TraceStep[] => [
  ...(history === undefined || history.size === 0
    ? []
    : [stepOf('history', `${history.size} rows of stock_update, ${lines.length} SKUs`)]),
  ...(status === 'confirmed' || status === 'rejected'
    ? [stepOf('status', `orders.status is ${status}`)]
    : []),
]

const outboxOf = (id: string, { outboxAt }: PostgresEvidence): OrderTrace['outbox'] => ({
  eventId: outboxEventIdOf(id),
  inTable: outboxAt !== undefined,
})

const letterOf = ({
  place,
  source,
  code,
  message,
  parkedAt,
}: LogEvidence['deadLetters'][number]): TraceDeadLetter => ({
  place,
  source,
  code,
  message,
  parkedAt,
})

const isComplete = (
  status: OrderTrace['status'],
  steps: readonly TraceStep[],
  log: LogEvidence | undefined,
  history: ReadonlySet<string> | undefined,
): boolean =>
  (status === 'confirmed' || status === 'rejected') &&
  log?.unread.length === 0 &&
  history !== undefined &&
  steps.every(({ state }) => state === 'done')

const elapsedOf = (steps: readonly TraceStep[]): number | null => {
  const times = steps.flatMap(step => step.at ?? [])
  return times.length === 0 ? null : Math.max(...times) - Math.min(...times)
}

const hintOf = (notes: readonly string[]): string =>
  notes.length > 0 ? notes.join('; ') : 'Postgres has no row of it, and Cassandra no intent'

const unknownOrder = (orderId: string, why: string): SluiceError =>
  new SluiceError({
    code: 'SLUICE_TRACE_ORDER_UNKNOWN',
    message: `there is no order ${orderId}: ${why}`,
    remedy: 'take the id that `sluice orders place` printed; an order refused with 400 or 503 has none',
    details: { orderId },
  })
