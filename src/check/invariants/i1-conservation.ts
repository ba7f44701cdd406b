import type { Evidence, StockGeneration } from '../evidence.ts'
import { Findings } from '../findings.ts'
import { addTo, unionOfKeys } from './grouping.ts'
import type { Invariant } from './types.ts'

interface Account {
  readonly source: string
  readonly adjusted: number
  readonly available: number
  readonly reserved: number
  readonly sold: number
}

const text = ({ source, adjusted, available, reserved, sold }: Account): string =>
  `${source} adjusted ${adjusted}, available ${available}, reserved ${reserved}, sold ${sold}`

/** What Postgres says: sums over adjustments and over the lines of orders by status. */
const accountsOfPostgres = (evidence: Evidence): Map<string, Account> => {
  const adjusted = new Map<string, number>()
  const reserved = new Map<string, number>()
  const sold = new Map<string, number>()
  for (const { sku, quantity } of evidence.adjustments.values()) addTo(adjusted, sku, quantity)
  for (const { status, lines } of evidence.orders.values()) {
    const sums = status === 'confirmed' ? sold : status === 'created' ? reserved : undefined
    if (sums !== undefined) for (const { sku, quantity } of lines) addTo(sums, sku, quantity)
  }
  const accounts = new Map<string, Account>()
  for (const sku of unionOfKeys(adjusted, reserved, sold)) {
    const sum = adjusted.get(sku) ?? 0
    const held = reserved.get(sku) ?? 0
    const gone = sold.get(sku) ?? 0
    accounts.set(sku, {
      source: 'Postgres',
      adjusted: sum,
      available: sum - held - gone,
      reserved: held,
      sold: gone,
    })
  }
  return accounts
}

/** What the log says: the last update of each SKU; its adjustments are summed apart from its running numbers. */
const accountsOfLog = (evidence: Evidence): Map<string, Account> => {
  const adjusted = new Map<string, number>()
  const last = new Map<string, { onHand: number; reserved: number; sold: number; version: number }>()
  for (const update of evidence.log.committed.updates) {
    if (update.type === 'adjustment') addTo(adjusted, update.sku, update.quantity)
    if (update.version > (last.get(update.sku)?.version ?? 0)) last.set(update.sku, update)
  }
  const accounts = new Map<string, Account>()
  for (const [sku, { onHand, reserved, sold }] of last) {
    accounts.set(sku, {
      source: 'log',
      adjusted: adjusted.get(sku) ?? 0,
      available: onHand - reserved,
      reserved,
      sold,
    })
  }
  return accounts
}

/** Reservations of what was abandoned, or never came to Postgres, are I7's affair: they are neither available nor anybody's. */
const heldIn = (
  generations: readonly StockGeneration[],
  evidence: Evidence,
): { known: number; orphaned: number } => {
  const held = { known: 0, orphaned: 0 }
  for (const { rows } of generations) {
    for (const { entry, state, quantity } of rows) {
      if (state !== 'held') continue
      const status = evidence.orders.get(entry)?.status ?? 'abandoned'
      if (status !== 'abandoned' || evidence.adjustments.has(entry)) held.known += quantity
      else held.orphaned += quantity
    }
  }
  return held
}

const accountOfCassandra = (
  generations: readonly StockGeneration[],
  evidence: Evidence,
): { account: Account; orphaned: number } | undefined => {
  const current = generations.at(-1)
  if (current === undefined) return undefined
  const { known, orphaned } = heldIn(generations, evidence)
  const { adjusted, available, sold } = current
  return { account: { source: 'Cassandra', adjusted, available, reserved: known, sold }, orphaned }
}

const none = (source: string): Account => ({ source, adjusted: 0, available: 0, reserved: 0, sold: 0 })

/** I1: per SKU, what was put in equals what is available, reserved and sold, and all three sources agree on each. */
export const checkConservation: Invariant = (evidence, { allowOpen }) => {
  const findings = new Findings(
    'I1',
    'adjustments = available + reserved + sold, in Cassandra, Postgres and the log',
  )
  const postgres = accountsOfPostgres(evidence)
  const log = accountsOfLog(evidence)
  for (const sku of unionOfKeys(postgres, log, evidence.stock)) {
    const cassandra = accountOfCassandra(evidence.stock.get(sku) ?? [], evidence)
    const stock = cassandra?.account ?? none('Cassandra')
    const orphaned = cassandra?.orphaned ?? 0
    const ledger = log.get(sku) ?? none('log')
    const table = postgres.get(sku) ?? none('Postgres')
    const sumsUp = ({ adjusted, available, reserved, sold }: Account, apart: number): boolean =>
      adjusted === available + reserved + sold + apart
    findings.expect(
      sumsUp(stock, orphaned),
      { sku },
      () => `${text(stock)} (orphaned ${orphaned}): does not sum up`,
    )
    findings.expect(sumsUp(ledger, 0), { sku }, () => `${text(ledger)}: does not sum up`)
    const agree =
      stock.adjusted === table.adjusted &&
      ledger.adjusted === table.adjusted &&
      (allowOpen || (stock.sold === table.sold && ledger.sold === table.sold)) &&
      (allowOpen || (stock.reserved === table.reserved && ledger.reserved === table.reserved))
    findings.expect(agree, { sku }, () => `differ: ${text(stock)}; ${text(table)}; ${text(ledger)}`)
  }
  return findings.result()
}
