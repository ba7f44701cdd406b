import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream'
import type { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { parse } from 'csv-parse'
import { SluiceError, messageOf } from '../../core/errors.ts'
import { parseDecimal } from './money.ts'
import type { RetailRow } from './types.ts'

const columns = ['InvoiceNo', 'StockCode', 'Quantity', 'UnitPrice', 'CustomerID'] as const

type RawRow = Readonly<Record<(typeof columns)[number], string>>

/**
 * The rows of an Online Retail file (UTF-8 CSV with a heading, `.csv` or `.csv.gz`), streamed.
 *
 * Rejects with `SLUICE_IMPORT_FILE` when the file cannot be read or is no such file, and `SLUICE_IMPORT_ROW` naming
 * the line when a row cannot be understood.
 *
 * @example for await (const row of readRows('online-retail.csv.gz')) skus.add(row.sku)
 */
export async function* readRows(path: string): AsyncGenerator<RetailRow> {
  let lineNumber = 1
  // A failure of the file or of the unpacking destroys the parser, which then rejects the loop below.
  const parser = pipeline(openFile(path), parse({ columns: true, bom: true }), () => {})
  try {
    for await (const raw of parser as AsyncIterable<RawRow>) {
      if (lineNumber === 1) assertColumns(raw, path)
      lineNumber += 1
      yield toRow(raw, lineNumber, path)
    }
  } catch (error) {
    throw error instanceof SluiceError ? error : unreadable(path, error)
  }
}

/** What a first pass over the file finds out before anything is sent. */
export interface FileSurvey {
  /** SHA-256 of the unpacked text, in hex: the identity of the file whatever its name or packing. */
  readonly contentHash: string
  readonly rows: number
  /** Every SKU, in order of first appearance. */
  readonly skus: readonly string[]
}

/** Reads the whole file once: a row that cannot be understood fails here, with nothing sent yet. */
export const surveyFile = async (path: string): Promise<FileSurvey> => {
  const skus = new Set<string>()
  let rows = 0
  for await (const row of readRows(path)) {
    skus.add(row.sku)
    rows += 1
  }
  const hash = createHash('sha256')
  for await (const chunk of openFile(path) as AsyncIterable<Buffer>) hash.update(chunk)
  return { contentHash: hash.digest('hex'), rows, skus: [...skus] }
}

const openFile = (path: string): Readable => {
  const file = createReadStream(path)
  if (!path.endsWith('.gz')) return file
  return pipeline(file, createGunzip(), () => {})
}

const assertColumns = (raw: RawRow, path: string): void => {
  const missing = columns.filter(column => raw[column] === undefined)
  if (missing.length === 0) return
  throw new SluiceError({
    code: 'SLUICE_IMPORT_FILE',
    message: `${path} has no column ${missing.join(', ')}`,
    remedy: `import a file with the columns ${columns.join(', ')}`,
    details: { path, missing },
  })
}

const toRow = (raw: RawRow, lineNumber: number, path: string): RetailRow => {
  const quantity = /^-?[0-9]+$/.test(raw.Quantity) ? BigInt(raw.Quantity) : undefined
  const unitPrice = parseDecimal(raw.UnitPrice)
  const sku = raw.StockCode.trim().toUpperCase()
  const invoiceNo = raw.InvoiceNo.trim()
  const faults = [
    ...(invoiceNo === '' ? ['InvoiceNo is empty'] : []),
    ...(sku === '' ? ['StockCode is empty'] : []),
    ...(quantity === undefined ? [`Quantity "${raw.Quantity}" is not a whole number`] : []),
    ...(unitPrice === undefined ? [`UnitPrice "${raw.UnitPrice}" is not a decimal number`] : []),
  ]
  if (quantity === undefined || unitPrice === undefined || faults.length > 0) {
    throw new SluiceError({
      code: 'SLUICE_IMPORT_ROW',
      message: `${path}, row ${lineNumber}: ${faults.join('; ')}`,
      remedy: 'correct the row and import again; nothing of it was sent',
      details: { path, row: lineNumber, faults },
    })
  }
  return { lineNumber, invoiceNo, sku, quantity, unitPrice, customerId: toCustomerId(raw.CustomerID) }
}

/** `17850.0` is customer `17850` as a spreadsheet wrote it; a missing one buys as `guest`. */
const toCustomerId = (text: string): string => {
  const trimmed = text.trim().replace(/\.0+$/, '')
  return trimmed === '' ? 'guest' : trimmed
}

const unreadable = (path: string, error: unknown): SluiceError =>
  new SluiceError({
    code: 'SLUICE_IMPORT_FILE',
    message: `cannot read ${path}: ${messageOf(error)}`,
    remedy: 'give the path of an Online Retail file, .csv or .csv.gz',
    details: { path },
    cause: error,
  })
