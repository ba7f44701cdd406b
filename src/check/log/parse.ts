import type {
  MovementRecord,
  OrderRecord,
  OutboxRecord,
  Position,
  Streams,
  UpdateRecord,
} from '../evidence.ts'
import { fieldsOf, integerOf, listOf, optionalTextOf, textOf } from '../fields.ts'
import type { Intern } from '../interner.ts'

/** A record with its value decoded, not yet looked into. */
export interface DecodedRecord extends Position {
  /** Of the header `id`, if there is one. */
  readonly headerId: string | undefined
  /** Null for a tombstone. */
  readonly value: unknown
  /** Names the record in errors. */
  readonly where: string
}

const positionOf = (
  { partition, offset, timestampMs, key, retried }: DecodedRecord,
  intern: Intern,
): Position => ({
  partition,
  offset,
  timestampMs,
  key: intern(key),
  ...(retried === true && { retried }),
})

/** What an outbox payload is about: the adjustment of a StockAdjusted, else the aggregate. */
export const subjectOfOutbox = (
  type: string,
  aggregateId: string,
  payload: unknown,
  where: string,
): string =>
  type === 'StockAdjusted' ? textOf(fieldsOf(payload, where), 'adjustmentId', where) : aggregateId

/** How our relay's `source.version` begins. */
const relayVersion = 'sluice-'

/** Undefined for what brings no row: tombstones, deletes, and whatever else a change stream tells. */
const parseOutbox = (record: DecodedRecord, intern: Intern): OutboxRecord | undefined => {
  const { where } = record
  if (record.value === null) return undefined
  const { op, after, source } = fieldsOf(record.value, where)
  if ((op !== 'c' && op !== 'r') || after === null || after === undefined) return undefined
  const row = fieldsOf(after, where)
  const type = textOf(row, 'type', where)
  const payload: unknown = type === 'StockAdjusted' ? JSON.parse(textOf(row, 'payload', where)) : undefined
  return {
    ...positionOf(record, intern),
    byRelay: textOf(fieldsOf(source, where), 'version', where).startsWith(relayVersion),
    eventId: intern(textOf(row, 'id', where)),
    type: intern(type),
    subjectId: intern(subjectOfOutbox(type, textOf(row, 'aggregateid', where), payload, where)),
  }
}

const parseOrder = (record: DecodedRecord, intern: Intern): OrderRecord => {
  const { where, headerId } = record
  const fields = fieldsOf(record.value, where)
  const orderId = intern(textOf(fields, 'orderId', where))
  const lines = fields['lines'] === undefined ? [] : listOf(fields, 'lines', where)
  return {
    ...positionOf(record, intern),
    eventId: headerId === undefined ? orderId : intern(headerId),
    orderId,
    units: lines.reduce<number>((sum, line) => sum + integerOf(fieldsOf(line, where), 'quantity', where), 0),
    totalMinor: fields['totalMinor'] === undefined ? 0 : integerOf(fields, 'totalMinor', where),
  }
}

const orderIdOf = (
  fields: Readonly<Record<string, unknown>>,
  where: string,
  intern: Intern,
): string | null => {
  const orderId = optionalTextOf(fields, 'orderId', where)
  return orderId === null ? null : intern(orderId)
}

const parseMovement = (record: DecodedRecord, intern: Intern): MovementRecord => {
  const { where } = record
  const fields = fieldsOf(record.value, where)
  return {
    ...positionOf(record, intern),
    eventId: intern(textOf(fields, 'eventId', where)),
    type: intern(textOf(fields, 'type', where)),
    sku: intern(textOf(fields, 'sku', where)),
    orderId: orderIdOf(fields, where, intern),
    quantity: integerOf(fields, 'quantity', where),
  }
}

const parseUpdate = (record: DecodedRecord, intern: Intern): UpdateRecord => {
  const { where } = record
  const fields = fieldsOf(record.value, where)
  return {
    ...parseMovement(record, intern),
    version: integerOf(fields, 'version', where),
    onHand: integerOf(fields, 'onHand', where),
    reserved: integerOf(fields, 'reserved', where),
    sold: integerOf(fields, 'sold', where),
    mode: intern(textOf(fields, 'mode', where)),
  }
}

/** The compact record of each stream; undefined for a record that is no event. */
export const parsers: {
  readonly [Name in keyof Streams]: (
    record: DecodedRecord,
    intern: Intern,
  ) => Streams[Name][number] | undefined
} = {
  outbox: parseOutbox,
  created: parseOrder,
  validated: parseOrder,
  confirmed: parseOrder,
  rejected: parseOrder,
  movements: parseMovement,
  updates: parseUpdate,
}
