import { giveBackEntry } from '../../../src/orders/reservation/partition.ts'
import type { Ledger } from './ledger.ts'
import type { Report } from './processes.ts'
import type { Scenario } from './scenario.ts'
import type { OrderRow, OrdersTable, StockTable } from './tables.ts'

/** All there is to see of a state. */
export interface World {
  readonly stock: Readonly<Record<string, StockTable>>
  readonly orders: OrdersTable
  readonly ledger: Ledger
  /** Per order, whatever became of its process. */
  readonly told: Readonly<Record<string, Report['told']>>
  readonly alarms: readonly string[]
}

interface Holding {
  readonly entry: string
  readonly generation: number
  readonly quantity: number
  /** `held` as long as the statics count it so, whatever the row says already. */
  readonly as: 'held' | 'sold' | 'released'
}

const holdingsOf = ({ generations }: StockTable): Holding[] => {
  const settledVersion = generations.at(-1)?.partition.settledVersion ?? 0
  return generations.flatMap(({ rows }, generation) =>
    Object.values(rows)
      .filter(row => row.kind === 'reservation' && row.quantity > 0)
      .map(({ entry, quantity, state, settledBy }): Holding => {
        const later = generations.slice(generation + 1)
        const isCompensated = later.some(({ rows }) => rows[giveBackEntry(entry)] !== undefined)
        const isUncounted = settledBy !== null && settledBy > settledVersion
        if ((state === 'held' && !isCompensated) || isUncounted)
          return { entry, generation, quantity, as: 'held' }
        return { entry, generation, quantity, as: state === 'sold' ? 'sold' : 'released' }
      }),
  )
}

const sum = (holdings: readonly Holding[]): number =>
  holdings.reduce((units, { quantity }) => units + quantity, 0)

const faultOfSku = (sku: string, table: StockTable, isRest: boolean): string | undefined => {
  const last = table.generations.at(-1)?.partition
  if (last === undefined) return `${sku} is gone`
  const holdings = holdingsOf(table)
  const { available, adjusted, sold } = last
  const held = sum(holdings.filter(({ as }) => as === 'held'))
  if (available < 0) return `${sku} has ${available} available`
  if (available + held + sold !== adjusted) {
    return `${sku}: available ${available} + held ${held} + sold ${sold} is not adjusted ${adjusted}`
  }
  if (sum(holdings.filter(({ as }) => as === 'sold')) !== sold)
    return `${sku}: rows and statics differ in what is sold`
  const open = table.generations.filter(({ partition }) => !partition.closed).length
  if (open > 1 || (isRest && open !== 1)) return `${sku} has ${open} open generations`
  return undefined
}

const expected = (status: OrderRow['status'], isRest: boolean): readonly Holding['as'][] => {
  if (status === 'confirmed') return isRest ? ['sold'] : ['held', 'sold']
  if (status === 'rejected') return isRest ? ['released'] : ['held', 'released']
  return ['held']
}

const faultOfCommitted = (id: string, row: OrderRow, world: World, isRest: boolean): string | undefined => {
  for (const { sku, quantity, generation } of row.lines) {
    const own = holdingsOf(world.stock[sku] as StockTable).filter(({ entry }) => entry === id)
    const right = own.filter(
      holding =>
        holding.generation === generation &&
        holding.quantity === quantity &&
        expected(row.status, isRest).includes(holding.as),
    )
    const kept = own.filter(({ as }) => as !== 'released')
    if (right.length !== 1 || kept.length > 1) {
      const found = own.map(({ generation, as }) => `${as} in generation ${generation}`).join(', ')
      return `${id} is ${row.status}, its line of ${sku} (generation ${generation}) is ${found || 'nowhere'}`
    }
  }
  return undefined
}

const faultOfOrder = (id: string, world: World, isRest: boolean): string | undefined => {
  const row = world.orders[id]
  const told = world.told[id]
  const isCommitted = row !== undefined && row.status !== 'abandoned'
  if (told === 'accepted' && !isCommitted) return `${id} was answered 201 and is ${row?.status ?? 'absent'}`
  if (told === 'out-of-stock' && isCommitted) return `${id} was answered out of stock and is ${row.status}`
  if (isCommitted) {
    if (isRest && row.status === 'created') return `${id} has no end`
    return faultOfCommitted(id, row, world, isRest)
  }
  if (!isRest) return undefined
  for (const [sku, table] of Object.entries(world.stock)) {
    const held = holdingsOf(table).filter(({ entry, as }) => entry === id && as !== 'released')
    if (held.length > 0) return `${id} is ${row?.status ?? 'absent'} and ${sku} is held for it for ever`
  }
  return undefined
}

/** What is wrong; undefined when nothing is. `isRest`: nobody has anything left to do. */
export const faultOf = (world: World, scenario: Scenario, isRest: boolean): string | undefined => {
  if (world.alarms.length > 0) return world.alarms.join('; ')
  for (const [sku, table] of Object.entries(world.stock)) {
    const fault = faultOfSku(sku, table, isRest)
    if (fault !== undefined) return fault
    if (world.ledger.skus[sku]?.isShort === true) return `the ledger had not enough of ${sku}`
    const wanted = scenario.orders.flatMap(({ lines }) => lines.filter(line => line.sku === sku))
    const isEnough = wanted.reduce((units, { quantity }) => units + quantity, 0) <= (scenario.stock[sku] ?? 0)
    const refused = scenario.orders.find(
      ({ id, lines }) => world.told[id] === 'out-of-stock' && lines.every(line => line.sku === sku),
    )
    if (isEnough && refused !== undefined)
      return `${refused.id} was refused although there is enough of ${sku}`
  }
  for (const { id } of scenario.orders) {
    const fault = faultOfOrder(id, world, isRest)
    if (fault !== undefined) return fault
  }
  return undefined
}
