import type { RowChange } from '../../../src/orders/reservation/store.ts'
import type { IntentsTable, Operation, OrdersTable, Reply, StockTable } from './tables.ts'

/** Whether it leaves every table as it is. */
export const isRead = (operation: Operation): boolean =>
  operation.does === 'read' || operation.does === 'hint'

const textOfRow = (row: RowChange): string =>
  row.change === 'insert'
    ? `+ ${row.row.entry} ${row.row.state} ${row.row.quantity}`
    : `${row.entry} := ${row.state}`

/** One line for people. */
export const textOf = (operation: Operation): string => {
  if (operation.table === 'orders') return `${operation.does} ${operation.id} in Postgres`
  if (operation.table === 'intents') return `${operation.does} the intent of ${operation.id}`
  const { sku } = operation
  switch (operation.does) {
    case 'read':
      return `read ${sku}/${operation.generation}`
    case 'hint':
      return `read the hint of ${sku}`
    case 'set-hint':
      return `set the hint of ${sku} to ${operation.generation}`
    case 'open':
      return `open ${sku}/${operation.partition.generation} with ${operation.partition.available} available`
    case 'end-rows':
      return `end in ${sku}/${operation.generation}: ${operation.rows.map(textOfRow).join(', ')}`
    case 'change': {
      const { from, to, rows } = operation
      const close = to.closed ? ', close' : ''
      const what = [`available ${from.available} to ${to.available}`, ...rows.map(textOfRow)].join(', ')
      return `change ${sku}/${from.generation} at version ${from.version}${close}: ${what}`
    }
  }
}

/** The answer for people. */
export const textOfReply = (reply: Reply): string => {
  if ('outcome' in reply) return reply.outcome
  if ('fate' in reply) return reply.fate
  if ('hint' in reply) return `${reply.hint}`
  if ('done' in reply) return reply.done ? 'done' : 'a row is there'
  const { partition, rows } = reply.found
  if (partition === undefined) return 'nothing'
  const state = partition.closed ? ', closed' : ''
  return [
    `version ${partition.version}, ${partition.available} available${state}`,
    ...rows.map(row => `${row.entry} ${row.state}`),
  ].join(', ')
}

/** Whether a delayed request can never change anything any more: versions, rows and generations only go forward. */
export const isDead = (operation: Operation, table: StockTable | OrdersTable | IntentsTable): boolean => {
  if (operation.table !== 'stock')
    return (
      (table as OrdersTable | IntentsTable)[operation.id] !== undefined &&
      !(operation.does === 'remove' && (table as IntentsTable)[operation.id] === 'recorded')
    )
  const { generations, hint } = table as StockTable
  switch (operation.does) {
    case 'change': {
      const now = generations[operation.from.generation]?.partition
      return now !== undefined && (now.closed || now.version > operation.from.version)
    }
    case 'open':
      return generations.length > operation.partition.generation
    case 'end-rows':
      return operation.rows.some(row => generations[operation.generation]?.rows[row.entry]?.state !== 'held')
    case 'set-hint':
      return hint >= operation.generation
    default:
      return true
  }
}
