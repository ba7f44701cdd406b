import { filter, map } from 'rxjs'
import { utf8 } from '../../../src/codec/serde.ts'
import {
  avroFormat,
  from,
  mapValue,
  named,
  repartition,
  to,
  topic,
  topology,
  withKey,
} from '../../../src/streams/dsl/index.ts'

export interface Sale {
  readonly sku: string
  readonly quantity: number
}

export const saleSchema = {
  type: 'record',
  name: 'Sale',
  fields: [
    { name: 'sku', type: 'string' },
    { name: 'quantity', type: 'long' },
  ],
} as const

export const partitions = 2

/**
 * A flow that parks what fails: a step that throws at quantity -1 behind the source, and one that throws at -2 behind a repartition,
 * unless it has been mended.
 */
export const parkingFlow = (suffix: string, isMended = false) => {
  const value = avroFormat<Sale>(saleSchema)
  const sales = topic(`sales-${suffix}`, { key: utf8, value, partitions })
  const checked = topic(`checked-${suffix}`, { key: utf8, value: utf8, partitions })
  const refuse = (quantity: number, sale: Sale): Sale => {
    if (sale.quantity === quantity && !isMended) throw new Error(`${sale.sku} has ${quantity}`)
    return sale
  }
  const flow = topology(
    `parking-${suffix}`,
    {
      checked: from(sales).pipe(
        filter(m => m.value.sku !== ''),
        named(
          'check-sale',
          mapValue(sale => refuse(-1, sale)),
        ),
        map(m => withKey(m, m.value.sku)),
        repartition('by-sku', { key: utf8, value }),
        named(
          'check-again',
          mapValue(sale => refuse(-2, sale)),
        ),
        mapValue(({ sku, quantity }) => `${sku}:${quantity}`),
        to(checked),
      ),
    },
    { failures: { default: 'dead-letter' } },
  )
  return { flow, sales, checked }
}
