import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

const script = fileURLToPath(new URL('../peers/recount.py', import.meta.url))
const hasPython = (() => {
  try {
    execFileSync('python3', ['-c', 'import sys; assert sys.version_info >= (3, 10)'])
    return true
  } catch {
    return false
  }
})()

const header = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country'
const rows = [
  '1,a 1 ,"LAMP, ""RED""",2,d,2.55,17850.0,UK',
  '1,A 1,LAMP,1,d,0.005,17850.0,UK',
  '1,B,MUG,5,d,0,17850.0,UK',
  '1,B,MUG,-1,d,3,17850.0,UK',
  'C2,B,MUG,-3,d,3,,UK',
  '3,B,MUG,0,d,3,,UK',
  '1,B,MUG,4,d,1.5,,UK',
]

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'recount-'))
  writeFileSync(join(folder, 'retail.csv'), `${[header, ...rows].join('\n')}\n`)
  writeFileSync(join(folder, 'rejected.json'), '["1 (2)"]')
})
afterAll(() => rmSync(folder, { recursive: true }))

const recount = (...args: string[]): unknown =>
  JSON.parse(
    execFileSync('python3', [script, join(folder, 'retail.csv'), '--initial-stock', '100', ...args], {
      encoding: 'utf8',
    }),
  )

test.skipIf(!hasPython)('a small file is recounted by the rules of the import', () => {
  expect(recount()).toEqual({
    skus: {
      'A 1': { on_hand: 97, reserved: 0, sold: 3 },
      B: { on_hand: 99, reserved: 0, sold: 4 },
    },
    invoices: 4,
    orders: 2,
    returns: 1,
    adjustments: 1,
    rejected: 0,
    skippedInvoices: 1,
    lines: 2,
    units: 7,
    returnedUnits: 3,
    // 2 x 2.55 + 0.005 rounded half up to 0.01 + 4 x 1.50
    totalMinor: 510 + 1 + 600,
    skippedRows: { 'price not positive': 1, 'quantity not positive': 2 },
  })
})

test.skipIf(!hasPython)('what was rejected changes no stock; a limit counts invoices', () => {
  expect(recount('--rejected', join(folder, 'rejected.json'))).toMatchObject({
    skus: { B: { on_hand: 103, sold: 0 } },
    orders: 1,
    rejected: 1,
  })
  expect(recount('--limit', '1')).toMatchObject({ skus: { B: { on_hand: 100, sold: 0 } }, invoices: 1 })
})
