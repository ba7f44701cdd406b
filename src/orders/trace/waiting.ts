import type { StockUpdate } from '../../../schemas/types.ts'
import * as topics from '../../../topology/topics.ts'
import type { OrderLine } from '../order.ts'
import type { FoundRecord, OrderEvents } from './order-events.ts'
import type { ReservationEvidence } from './read-cassandra.ts'
import type { LogEvidence } from './read-log.ts'
import { stepOf } from './steps.ts'
import type { Place, TraceStep } from './types.ts'

/** What is known when it is asked what is missing. */
export interface WaitingFacts {
  readonly log: Pick<LogEvidence, 'events' | 'committed' | 'deadLetters'>
  readonly lines: readonly OrderLine[]
  /** Undefined where Cassandra was not read. */
  readonly reservations: readonly ReservationEvidence[] | undefined
  /** Event ids of updates that the history has; undefined where Cassandra was not read. */
  readonly history: ReadonlySet<string> | undefined
  readonly status: string
}

const textOf = ({ topic, partition, offset }: Place): string => `${topic}[${partition}]@${offset}`

/** Why a group has not made anything of a record. */
const blockOf = ({ log }: WaitingFacts, group: string, place: Place): string => {
  const letter = log.deadLetters.find(
    ({ source }) =>
      source.topic === place.topic && source.partition === place.partition && source.offset === place.offset,
  )
  if (letter !== undefined) return `${textOf(place)} was parked in ${textOf(letter.place)}: ${letter.code}`
  const committed = log.committed(group, place)
  if (committed !== undefined && committed > place.offset)
    return `${group} is past ${textOf(place)}, and nothing came of it: see the dead letters, run \`sluice check\``
  const where = committed === undefined ? 'has committed nothing there yet' : `stands at ${committed}`
  return `${group} has not done ${textOf(place)} yet (it ${where}): are the workers running? see \`sluice lag ${group}\``
}

/** What the order still lacks, each with what it waits for. What cannot happen yet is left out. */
export const waitingSteps = (facts: WaitingFacts): TraceStep[] => {
  const { events } = facts.log
  const outbox = events.one(topics.outboxEvent.name)
  const created = events.one(topics.orderCreated.name)
  if (outbox === undefined) return [waiting('relayed', 'it is not on the topic yet: is the relay running?')]
  if (created === undefined) return [after(facts, 'order-created', 'orders', outbox)]
  const end = events.one(topics.orderConfirmed.name) ?? events.one(topics.orderRejected.name)
  return [
    ...waitingForDecision(facts, created, end),
    ...waitingForEnds(facts, end),
    ...waitingForTables(facts, end),
  ]
}

const waiting = (step: TraceStep['step'], waitsFor: string, sku: string | null = null): TraceStep =>
  stepOf(step, '', { state: 'waiting', waitsFor, sku })

const after = (
  facts: WaitingFacts,
  step: TraceStep['step'],
  group: string,
  place: Place,
  sku: string | null = null,
): TraceStep => waiting(step, blockOf(facts, group, place), sku)

const waitingForDecision = (
  facts: WaitingFacts,
  created: FoundRecord,
  end: FoundRecord | undefined,
): TraceStep[] => {
  if (end !== undefined) return []
  const { events } = facts.log
  const validated = events.one(topics.orderValidated.name)
  if (validated === undefined) return [after(facts, 'order-validated', 'orders', created)]
  const undecided = facts.lines.flatMap(({ sku }) => {
    if (events.update('line', sku) !== undefined) return []
    const movement = events.movement('line', sku)
    return [
      movement === undefined
        ? after(facts, 'line', 'orders', created, sku)
        : after(facts, 'reservation', 'orders', movement, sku),
    ]
  })
  if (undecided.length > 0) return undecided
  const last = facts.lines.map(({ sku }) => events.update('line', sku)).find(update => update !== undefined)
  return [waitingForGathering(facts, last ?? validated)]
}

const waitingForGathering = (facts: WaitingFacts, last: Place): TraceStep =>
  (facts.log.committed('orders', last) ?? -1) > last.offset
    ? waiting(
        'order-confirmed',
        'decided; the lines are on their way back to the order: see `sluice lag orders`',
      )
    : after(facts, 'order-confirmed', 'orders', last)

/** The ledger's last word on each line: a sale, or a release of what was taken. */
const waitingForEnds = (facts: WaitingFacts, end: FoundRecord | undefined): TraceStep[] => {
  if (end === undefined) return []
  const { events } = facts.log
  const type = end.topic === topics.orderConfirmed.name ? 'sale' : 'release'
  return facts.lines.flatMap(({ sku }) => {
    if (isRefused(events, sku) || events.update(type, sku) !== undefined) return []
    const movement = events.movement(type, sku)
    if (movement !== undefined) return [after(facts, type, 'orders', movement, sku)]
    return [waiting(type, `its movement is not there: run \`sluice check\``, sku)]
  })
}

const isRefused = (events: OrderEvents, sku: string): boolean =>
  events.update('line', sku)?.value.type === 'refusal'

/** What settlement and materializer owe to Cassandra and Postgres. */
const waitingForTables = (facts: WaitingFacts, end: FoundRecord | undefined): TraceStep[] => {
  const { history, lines, log, reservations, status } = facts
  const { events } = log
  const held = lines.flatMap(({ sku }): TraceStep[] => {
    const update = endingUpdate(events, sku)
    const row = reservations?.find(reservation => reservation.sku === sku)?.row
    if (update === undefined || row?.state !== 'held') return []
    return [after(facts, 'settled', 'settlement', update, sku)]
  })
  const unwritten = updatesOf(events, lines).flatMap((update): TraceStep[] =>
    history === undefined || history.has(update.value.eventId)
      ? []
      : [after(facts, 'history', 'materializer', update, update.value.sku)],
  )
  const open = end !== undefined && status === 'created' ? [after(facts, 'status', 'settlement', end)] : []
  return [...held, ...unwritten, ...open]
}

const endingUpdate = (events: OrderEvents, sku: string) =>
  events.update('sale', sku) ??
  events.update('release', sku) ??
  (isRefused(events, sku) ? events.update('line', sku) : undefined)

/** Every update of the order that was found. */
export const updatesOf = (
  events: OrderEvents,
  lines: readonly Pick<OrderLine, 'sku'>[],
): (FoundRecord & { readonly value: StockUpdate })[] =>
  lines.flatMap(({ sku }) =>
    (['line', 'sale', 'release'] as const)
      .map(type => events.update(type, sku))
      .filter(update => update !== undefined),
  )
