import type { StockUpdate } from '../../../schemas/types.ts'
import type { Space, Step } from './explore.ts'
import { createHistories, lost } from './histories.ts'
import { createInterner } from './intern.ts'
import { faultOf } from './invariants.ts'
import { credited, decided, ledgerOf, settledUpTo } from './ledger.ts'
import type { Ledger } from './ledger.ts'
import { orderProgram, reaperProgram, settleProgram } from './processes.ts'
import type { Mutation, Scenario, ScenarioOrder } from './scenario.ts'
import { isDead, isRead, textOf, textOfReply } from './requests.ts'
import { server as realServer, stockedTable } from './tables.ts'
import type { IntentsTable, Operation, OrdersTable, Reply, Server, StockTable } from './tables.ts'

/** A scenario as a space of states, with the product's own code as its processes. */
export const protocolSpace = async (
  scenario: Scenario,
  mutation: Mutation = {},
): Promise<Space & { readonly runs: number }> => {
  const server: Server = { ...realServer, ...mutation.server }
  const skus = Object.keys(scenario.stock)
  const stocks = createInterner<StockTable>()
  const orderTables = createInterner<OrdersTable>()
  const intentTables = createInterner<IntentsTable>()
  const ledgers = createInterner<Ledger>()
  const lates = createInterner<readonly number[]>()
  const operations = createInterner<Operation>()
  const replies = createInterner<Reply>()
  const histories = createHistories(operations, replies, mutation.adapt)

  // The places of a vector.
  const ordersAt = skus.length
  const intentsAt = ordersAt + 1
  const ledgerAt = intentsAt + 1
  const lateAt = ledgerAt + 1
  const faultsAt = lateAt + 1
  const placingAt = faultsAt + 1
  const reapingAt = placingAt + scenario.orders.length
  const settlingAt = reapingAt + scenario.reapers
  const width = settlingAt + skus.length * scenario.settlers
  // Reapers and settlers come and go; 0 is nobody, else a position + 1.
  const nobody = 0

  const orderPrograms = scenario.orders.map(({ id, lines }) =>
    histories.program(`place ${id}`, orderProgram(id, lines, scenario)),
  )
  const reaperPrograms = scenario.orders.map(({ id, lines }) =>
    histories.program(
      `reap ${id}`,
      reaperProgram(
        id,
        lines.map(line => line.sku),
        scenario,
      ),
    ),
  )
  const settlePrograms = new Map<number, { readonly sku: string; readonly upTo: number }>()
  const settleProgramOf = (sku: string, updates: readonly StockUpdate[]): number => {
    const program = histories.program(`settle ${sku} ${JSON.stringify(updates)}`, settleProgram(sku, updates))
    settlePrograms.set(program, { sku, upTo: updates.at(-1)?.version ?? 0 })
    return program
  }

  const tableAt = ({ table, ...operation }: Operation): number =>
    table === 'stock'
      ? skus.indexOf((operation as { sku: string }).sku)
      : table === 'orders'
        ? ordersAt
        : intentsAt
  const tableOf = (operation: Operation, id: number) =>
    operation.table === 'stock'
      ? stocks.get(id)
      : operation.table === 'orders'
        ? orderTables.get(id)
        : intentTables.get(id)

  const executions: Map<number, { readonly table: number; readonly reply: number }>[] = []
  const execute = (operationId: number, table: number) => {
    const done = (executions[operationId] ??= new Map())
    const known = done.get(table)
    if (known !== undefined) return known
    const operation = operations.get(operationId)
    const run = () => {
      if (operation.table === 'stock') {
        const result = server.stock(stocks.get(table), operation)
        return { table: stocks.id(result.table), reply: replies.id(result.reply) }
      }
      if (operation.table === 'orders') {
        const result = server.orders(orderTables.get(table), operation)
        return { table: orderTables.id(result.table), reply: replies.id(result.reply) }
      }
      const result = server.intents(intentTables.get(table), operation)
      return { table: intentTables.id(result.table), reply: replies.id(result.reply) }
    }
    const result = run()
    done.set(table, result)
    return result
  }

  const decisions = new Map<string, readonly [orders: number, ledger: number]>()

  const tidied = (vector: number[], added: readonly number[] = []): number[] => {
    const late = [...lates.get(vector[lateAt] as number), ...added]
    if (late.length > 0) {
      const alive = late.filter(id => {
        const operation = operations.get(id)
        return !isDead(operation, tableOf(operation, vector[tableAt(operation)] as number))
      })
      vector[lateAt] = lates.id([...new Set(alive)].toSorted((one, other) => one - other))
    }
    if (scenario.reapers > 1) {
      const reapers = vector.slice(reapingAt, settlingAt).toSorted((one, other) => other - one)
      vector.splice(reapingAt, reapers.length, ...reapers)
    }
    return vector
  }

  /** Puts a process's next position in its place; whoever is done makes room. */
  const moved = (vector: number[], place: number, position: number): void => {
    if (place < reapingAt) {
      vector[place] = position
      return
    }
    const { pending, report, program } = histories.get(position)
    const isOver = pending.length === 0 && report.alarm === undefined
    vector[place] = isOver ? nobody : position + 1
    const settled = settlePrograms.get(program)
    if (isOver && settled !== undefined && report.told === 'done') {
      const ledger = ledgers.get(vector[ledgerAt] as number)
      vector[ledgerAt] = ledgers.id(settledUpTo(ledger, settled.sku, settled.upTo))
    }
  }

  const nameOf = (place: number, position: number): string => {
    if (place < reapingAt) return (scenario.orders[place - placingAt] as ScenarioOrder).id
    return place < settlingAt
      ? `the reaper of ${scenario.orders[reaperPrograms.indexOf(histories.get(position).program)]?.id}`
      : 'the settlement'
  }

  interface Actor {
    readonly place: number
    readonly position: number
    /** False for one that has not sent anything yet and need not. */
    readonly isAtWork: boolean
  }

  const isBusy = (state: readonly number[]): boolean =>
    scenario.isCalm &&
    scenario.orders.some((_, index) => histories.get(state[placingAt + index] as number).pending.length > 0)

  /** Whoever may go on or begin; undefined when a beginning has to be run first. */
  const actorsOf = (state: readonly number[]): (Actor | undefined)[] => {
    const actors: (Actor | undefined)[] = []
    const begin = (place: number, program: number): void => {
      const position = histories.start(program)
      actors.push(position === -1 ? undefined : { place, position, isAtWork: false })
    }
    scenario.orders.forEach((_, index) => {
      const place = placingAt + index
      actors.push({ place, position: state[place] as number, isAtWork: true })
    })
    for (let place = reapingAt; place < width; place++) {
      if (state[place] !== nobody)
        actors.push({ place, position: (state[place] as number) - 1, isAtWork: true })
    }
    const freeReaper = state.indexOf(nobody, reapingAt)
    if (freeReaper !== -1 && freeReaper < settlingAt) {
      const intents = intentTables.get(state[intentsAt] as number)
      scenario.orders.forEach(({ id }, index) => {
        const { report, pending } = histories.get(state[placingAt + index] as number)
        const isOld = scenario.isCalm ? pending.length === 0 : !report.isReserving
        const isRipe = isOld || mutation.isGraceless === true
        if (intents[id] === 'recorded' && isRipe) begin(freeReaper, reaperPrograms[index] as number)
      })
    }
    if (isBusy(state)) return actors
    const ledger = ledgers.get(state[ledgerAt] as number)
    skus.forEach((sku, index) => {
      const { unsettled } = ledger.skus[sku] as Ledger['skus'][string]
      if (unsettled.length === 0) return
      const from = settlingAt + index * scenario.settlers
      const free = state.indexOf(nobody, from)
      if (free !== -1 && free < from + scenario.settlers) begin(free, settleProgramOf(sku, unsettled))
    })
    return actors
  }

  const mayRoll = scenario.rollAtEntries <= scenario.orders.length * 3
  /**
   * Whether nobody else can notice, or be noticed by, what a process does next, so that it makes no difference who goes first:
   * its intent, which no reaper looks at yet, or a hint that never changes.
   */
  const isAlone = ({ place, position, isAtWork }: Actor): boolean => {
    const { pending } = histories.get(position)
    if (!isAtWork || pending.length !== 1) return false
    const { table, does } = operations.get(pending[0] as number)
    if (table === 'intents' && does === 'record') return place < reapingAt && mutation.isGraceless !== true
    return does === 'hint' && !mayRoll
  }

  const successors: Space['successors'] = state => {
    const steps: Step[] = []
    let isComplete = true
    const faults = state[faultsAt] as number
    const mayFail = faults < scenario.mostFaults

    const actors = actorsOf(state)
    const alone = actors.find(actor => actor !== undefined && isAlone(actor))
    for (const actor of alone === undefined ? actors : [alone]) {
      if (actor === undefined) {
        isComplete = false
        continue
      }
      const { place, position, isAtWork } = actor
      const { pending } = histories.get(position)
      pending.forEach((operationId, index) => {
        const operation = operations.get(operationId)
        const at = tableAt(operation)
        const { table, reply } = execute(operationId, state[at] as number)
        const next = histories.after(position, index, reply)
        if (next === -1) isComplete = false
        else {
          const to = [...state]
          to[at] = table
          moved(to, place, next)
          steps.push({
            kind: 'step',
            to: tidied(to),
            label: () =>
              `${nameOf(place, position)}: ${textOf(operation)}: ${textOfReply(replies.get(reply))}`,
          })
        }
        if (!mayFail) return
        const unanswered = histories.after(position, index, lost)
        if (unanswered === -1) isComplete = false
        else {
          const to = [...state]
          to[faultsAt] = faults + 1
          moved(to, place, unanswered)
          steps.push({
            kind: 'fault',
            to: tidied(to, isRead(operation) ? [] : [operationId]),
            label: () =>
              `${nameOf(place, position)}: ${textOf(operation)}: NO ANSWER, the request is delayed or lost`,
          })
        }
      })
      if (mayFail && isAtWork && pending.length > 0) {
        const to = [...state]
        to[faultsAt] = faults + 1
        to[place] = place < reapingAt ? histories.ended(position) : nobody
        steps.push({
          kind: 'fault',
          to: tidied(
            to,
            pending.filter(id => !isRead(operations.get(id))),
          ),
          label: () =>
            `${nameOf(place, position)}: CRASH, with on the way: ${pending.map(id => textOf(operations.get(id))).join('; ')}`,
        })
      }
    }

    if (alone !== undefined) return isComplete ? steps : undefined

    const table = orderTables.get(state[ordersAt] as number)
    const ledger = ledgers.get(state[ledgerAt] as number)
    for (const { id, isFaulty = false } of isBusy(state) ? [] : scenario.orders) {
      const row = table[id]
      if (row?.status !== 'created') continue
      const to = [...state]
      const status = isFaulty ? 'rejected' : 'confirmed'
      const key = `${state[ordersAt]} ${state[ledgerAt]} ${id}`
      let decision = decisions.get(key)
      if (decision === undefined) {
        decision = [
          orderTables.id({ ...table, [id]: { ...row, status } }),
          ledgers.id(decided(ledger, id, row.lines, isFaulty)),
        ]
        decisions.set(key, decision)
      }
      to[ordersAt] = decision[0]
      to[ledgerAt] = decision[1]
      steps.push({ kind: 'step', to: tidied(to), label: () => `the ledger decides ${id}: ${status}` })
    }
    const { restock } = scenario
    if (restock !== undefined && !ledger.isRestocked) {
      const to = [...state]
      to[ledgerAt] = ledgers.id({ ...credited(ledger, restock.sku, restock.quantity), isRestocked: true })
      steps.push({ kind: 'step', to, label: () => `${restock.quantity} of ${restock.sku} come in` })
    }
    for (const id of lates.get(state[lateAt] as number)) {
      const operation = operations.get(id)
      const at = tableAt(operation)
      const to = [...state]
      to[at] = execute(id, state[at] as number).table
      to[lateAt] = lates.id(lates.get(state[lateAt] as number).filter(other => other !== id))
      steps.push({ kind: 'delivery', to: tidied(to), label: () => `ARRIVES LATE: ${textOf(operation)}` })
    }
    return isComplete ? steps : undefined
  }

  for (const program of orderPrograms) histories.start(program)
  await histories.grow()
  const initial = [
    ...skus.map(sku => stocks.id(stockedTable(sku, scenario.stock[sku] ?? 0))),
    orderTables.id({}),
    intentTables.id({}),
    ledgers.id(ledgerOf(scenario.stock)),
    lates.id([]),
    0,
    ...orderPrograms.map(program => histories.start(program)),
    ...Array.from({ length: width - reapingAt }, () => nobody),
  ]

  const harmless = new Set<string>()
  return {
    initial,
    successors,
    fill: () => histories.grow(),
    violation: (state, isRest) => {
      const told = scenario.orders.map(
        (_, index) => histories.get(state[placingAt + index] as number).report.told,
      )
      const others = state.slice(reapingAt).filter(value => value !== nobody)
      const alarms = [
        ...scenario.orders.map((_, index) => histories.get(state[placingAt + index] as number)),
        ...others.map(value => histories.get(value - 1)),
      ].flatMap(({ report }) => report.alarm ?? [])
      const key = [...state.slice(0, ledgerAt + 1), ...told, ...alarms, isRest].join()
      if (harmless.has(key)) return undefined
      const fault = faultOf(
        {
          stock: Object.fromEntries(skus.map((sku, index) => [sku, stocks.get(state[index] as number)])),
          orders: orderTables.get(state[ordersAt] as number),
          ledger: ledgers.get(state[ledgerAt] as number),
          told: Object.fromEntries(scenario.orders.map(({ id }, index) => [id, told[index] ?? 'nothing'])),
          alarms,
        },
        scenario,
        isRest,
      )
      if (fault === undefined) harmless.add(key)
      return fault
    },
    get runs() {
      return histories.runs
    },
  }
}
