import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openCassandra } from '../../src/app/adapters.ts'
import { integer, text } from '../../src/cassandra/values.ts'
import { runCheck } from '../../src/check/run-check.ts'
import { waitForQuiescence } from '../../src/check/wait-for-quiescence.ts'
import type { OrderSystem } from '../../src/cli/demo/system.ts'
import { createProgress } from '../../src/cli/progress.ts'
import { renderImport, renderImportProgress } from '../../src/cli/render-import.ts'
import { systemClock } from '../../src/core/clock.ts'
import { createRandom } from '../../src/core/random.ts'
import { createShopClient } from '../../src/orders/client.ts'
import { importFile } from '../../src/orders/import/import.ts'
import type { ImportResult } from '../../src/orders/import/import.ts'
import { checkTargets, stackConfig, startSystem } from './support/system.ts'

// A real shop's invoices through the whole system. The data is no part of the project.

const root = resolve(import.meta.dirname, '../..')
const file = resolve(root, '../shared/data/online-retail.csv.gz')
const isThere = existsSync(file)
const extent = process.env['SLUICE_TEST_IMPORT'] ?? 'part'
const isWhole = extent === 'whole' || extent === 'killed'
/** With `killed`, how often each process is killed (-9) on the way. */
const killsEach = extent === 'killed' ? 10 : 0
const wholeFileInvoices = 16_460
/** SLUICE_TEST_IMPORT_INVOICES, else all of the whole file, else enough to have every kind of row. */
const invoices = Number(process.env['SLUICE_TEST_IMPORT_INVOICES'] ?? (isWhole ? wholeFileInvoices : 300))
const limit = invoices < wholeFileInvoices ? invoices : undefined
const initialStock = 1_000_000
const timeoutMs = isWhole ? 3 * 60 * 60_000 : 20 * 60_000
const reason = isThere ? '' : ` (skipped: there is no ${file})`

interface Stock {
  readonly on_hand: number
  readonly reserved: number
  readonly sold: number
}

const recount = async (): Promise<{
  skus: Readonly<Record<string, Stock>>
  orders: number
  totalMinor: number
}> => {
  const { stdout } = await promisify(execFile)(
    'python3',
    [
      resolve(root, 'test/peers/recount.py'),
      file,
      '--initial-stock',
      String(initialStock),
      ...(limit === undefined ? [] : ['--limit', String(limit)]),
    ],
    { maxBuffer: 64 * 1024 * 1024 },
  )
  return JSON.parse(stdout) as Awaited<ReturnType<typeof recount>>
}

const readStockState = async (): Promise<ReadonlyMap<string, Stock>> => {
  const cassandra = await openCassandra(stackConfig)
  try {
    const states = new Map<string, Stock>()
    const query = 'SELECT sku, on_hand, reserved, sold FROM stock_state'
    for await (const row of cassandra.scan({ query, params: [] })) {
      states.set(text(row, 'sku'), {
        on_hand: integer(row, 'on_hand'),
        reserved: integer(row, 'reserved'),
        sold: integer(row, 'sold'),
      })
    }
    return states
  } finally {
    await cassandra.close()
  }
}

/** Kills and restarts one process after the other, evenly over the file: by the number of invoices answered, not by the clock. */
const killer = (system: OrderSystem): { after(answered: number): void; done(): Promise<string[]> } => {
  const names = [...system.processes.keys()]
  const victims = Array.from({ length: killsEach }, () => names).flat()
  const spacing = invoices / (victims.length + 1)
  const killed: Promise<string>[] = []
  const kill = async (name: string): Promise<string> => {
    const victim = system.processes.get(name)
    await victim?.stop('SIGKILL')
    const signal = victim?.ended()?.signal
    system.restart(name)
    return `${name} ${signal}`
  }
  return {
    after: answered => {
      const victim = victims[killed.length]
      if (victim !== undefined && answered >= spacing * (killed.length + 1)) killed.push(kill(victim))
    },
    done: () => Promise.all(killed),
  }
}

const runOnce = async (onAnswered: (answered: number) => void = () => {}): Promise<ImportResult> => {
  const progress = createProgress()
  try {
    return await importFile({
      file,
      initialStock,
      inFlight: 32,
      ...(limit === undefined ? {} : { limit }),
      shop: createShopClient({
        apiUrl: stackConfig.apiUrl,
        clock: systemClock,
        retryForMs: 600_000,
        longestDelayMs: 15_000,
        random: createRandom(1),
      }),
      clock: systemClock,
      onProgress: state => {
        if (state.phase === 'sending') onAnswered(state.report.invoices)
        progress.update(() => renderImportProgress(state))
      },
    })
  } finally {
    progress.end()
  }
}

describe.skipIf(!isThere)(`an import of real invoices${reason}`, () => {
  let system: OrderSystem
  let result: ImportResult
  let killed: string[]

  beforeAll(async () => {
    system = await startSystem()
    const kills = killer(system)
    result = await runOnce(answered => kills.after(answered))
    killed = await kills.done()
    process.stderr.write(`${renderImport(result)}\n`)
    await waitForQuiescence({ ...checkTargets, timeoutMs: 10 * 60_000 })
  }, timeoutMs)
  afterAll(() => system?.stop())

  test.runIf(killsEach > 0)(`each process was killed ${killsEach} times`, () => {
    const counts = Map.groupBy(killed, name => name)
    expect([...counts].map(([name, { length }]) => [name, length])).toEqual(
      [...system.processes.keys()].map(name => [`${name} SIGKILL`, killsEach]),
    )
  })

  test('every invoice is taken', () => {
    expect(result.orders.rejectedBy).toEqual({})
    expect(result.returns.rejectedBy).toEqual({})
    expect(result.orders.accepted).toBeGreaterThan(0)
    expect(result.invoices).toBe(invoices)
  })

  test('a separate recount of the file comes to the stock of every SKU', async () => {
    const expected = await recount()
    expect(result.orders.accepted).toBe(expected.orders)
    expect(result.totalMinor).toBe(expected.totalMinor)
    const states = await readStockState()
    const wrong = Object.entries(expected.skus)
      .map(([sku, stock]) => ({ sku, stock, state: states.get(sku) }))
      .filter(({ stock, state }) => JSON.stringify(stock) !== JSON.stringify(state))
    expect(Object.keys(expected.skus).length).toBeGreaterThan(3_000)
    expect(wrong).toEqual([])
  })

  test('the audit finds nothing', { timeout: 10 * 60_000 }, async () => {
    const report = await runCheck(checkTargets)
    expect(report.invariants.filter(({ ok }) => !ok)).toEqual([])
    expect(report.ok).toBe(true)
  })

  test.skipIf(isWhole)('a second run of the same file changes nothing', { timeout: timeoutMs }, async () => {
    const before = await readStockState()
    const second = await runOnce()
    await waitForQuiescence({ ...checkTargets, timeoutMs: 60_000 })
    expect(second.orders).toMatchObject({
      accepted: result.orders.accepted,
      alreadyThere: result.orders.accepted,
    })
    expect(await readStockState()).toEqual(before)
  })
})
