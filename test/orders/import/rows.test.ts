import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readRows, surveyFile } from '../../../src/orders/import/rows.ts'

const heading = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country'
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-import-'))
})
afterAll(() => rm(folder, { recursive: true }))

const write = async (name: string, content: string | Buffer): Promise<string> => {
  const path = join(folder, name)
  await writeFile(path, content)
  return path
}

const csv = (...rows: readonly string[]): string => `${[heading, ...rows].join('\n')}\n`

const readAll = async (path: string): Promise<unknown[]> => {
  const rows: unknown[] = []
  for await (const row of readRows(path)) rows.push(row)
  return rows
}

describe('rows', () => {
  test('a row is trimmed, upper-cased and kept exact', async () => {
    const path = await write(
      'one.csv',
      csv('536365, 84029g ,"HOT, WATER",6,2010-12-01 08:26:00,3.39,17850.0,UK'),
    )
    expect(await readAll(path)).toEqual([
      {
        lineNumber: 2,
        invoiceNo: '536365',
        sku: '84029G',
        quantity: 6n,
        unitPrice: { digits: 339n, scale: 2 },
        customerId: '17850',
      },
    ])
  })

  test('a missing customer is a guest', async () => {
    const path = await write('guest.csv', csv('1,gift_0001_10,,1,d,1,,UK', '1,Bank Charges ,,1,d,1, ,UK'))
    expect(await readAll(path)).toMatchObject([
      { sku: 'GIFT_0001_10', customerId: 'guest' },
      { sku: 'BANK CHARGES', customerId: 'guest' },
    ])
  })

  test('packed and plain text are the same import', async () => {
    const text = csv('1,A,,1,d,1,,UK', '2,B,,1,d,1,,UK', '2,a,,1,d,1,,UK')
    const plain = await surveyFile(await write('plain.csv', text))
    expect(plain).toMatchObject({ rows: 3, skus: ['A', 'B'] })
    expect(await surveyFile(await write('packed.csv.gz', gzipSync(text)))).toEqual(plain)
  })
})

describe('what is wrong with a file', () => {
  test.each([
    ['1,A,,1.5,d,1,,UK', 'Quantity "1.5" is not a whole number'],
    ['1,A,,1,d,1e3,,UK', 'UnitPrice "1e3" is not a decimal number'],
    ['1, ,,1,d,1,,UK', 'StockCode is empty'],
    [',A,,1,d,1,,UK', 'InvoiceNo is empty'],
  ])('%s: %s, with its row', async (row, message) => {
    const path = await write('wrong.csv', csv('1,A,,1,d,1,,UK', row))
    await expect(readAll(path)).rejects.toMatchObject({
      code: 'SLUICE_IMPORT_ROW',
      message: expect.stringContaining(message),
      details: { row: 3 },
    })
  })

  test('all faults of a row at once', async () => {
    const path = await write('faults.csv', csv('1,,,x,d,y,,UK'))
    await expect(readAll(path)).rejects.toMatchObject({ details: { faults: { length: 3 } } })
  })

  test.each([
    [
      'a missing column',
      'columns.csv',
      'InvoiceNo,Quantity\n1,2\n',
      /no column StockCode, UnitPrice, CustomerID/,
    ],
    ['a row of another length', 'ragged.csv', csv('1,A'), /cannot read/],
    ['no gzip', 'no.csv.gz', 'plain', /incorrect header check/],
    ['cut short', 'cut.csv.gz', gzipSync(csv('1,A,,1,d,1,,UK')).subarray(0, 40), /cannot read/],
  ])('%s', async (_, name, content, message) => {
    const path = await write(name, content)
    await expect(readAll(path)).rejects.toMatchObject({
      code: 'SLUICE_IMPORT_FILE',
      message: expect.stringMatching(message),
    })
  })

  test('no such file', async () => {
    await expect(surveyFile(join(folder, 'none.csv'))).rejects.toMatchObject({ code: 'SLUICE_IMPORT_FILE' })
  })
})
