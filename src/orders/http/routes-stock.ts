import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod'
import type { Clock } from '../../core/clock.ts'
import type { CrashPoints } from '../../core/crash-points.ts'
import type { AdjustStock } from '../adjust-stock.ts'
import type { OrderMetrics } from '../metrics.ts'
import type { Reservations } from '../reservation/types.ts'
import type { StockReader } from '../stock-view.ts'
import { adjustmentAnswer, problems, stockAnswer } from './answers.ts'
import { entryOf } from './entry-answer.ts'
import { problem } from './problem.ts'
import { adjustmentRequestSchema, idempotencyHeadersSchema, skuParamsSchema } from './schemas.ts'

export interface StockRoutes {
  readonly adjustStock: AdjustStock
  readonly reservations: Reservations
  readonly stockReader: StockReader
  readonly clock: Clock
  readonly metrics: OrderMetrics
  readonly crash?: CrashPoints | undefined
}

const isoTime = (ms: number): string => new Date(ms).toISOString()

/** `GET /stock/:sku` and `POST /stock/:sku/adjustments`. */
export const stockRoutes =
  ({
    adjustStock,
    reservations,
    stockReader,
    clock,
    metrics,
    crash,
  }: StockRoutes): FastifyPluginCallbackZod =>
  (app, _options, done) => {
    app.get(
      '/stock/:sku',
      {
        schema: {
          operationId: 'getStock',
          summary: 'What can be sold of a SKU now, and what its ledger says',
          description:
            'The two differ while events are on their way: orders are taken from what can be sold at once, and reach the ledger a moment later.',
          tags: ['stock'],
          params: skuParamsSchema,
          response: { 200: stockAnswer, ...problems(400, 404, 503) },
        },
      },
      async request => {
        const { sku } = request.params
        const [sellable, ledger] = await Promise.all([reservations.available(sku), stockReader.ledger(sku)])
        if (sellable === undefined && ledger === undefined)
          throw problem('NotFound', `there is no stock of ${sku}`)
        return {
          sku,
          sellable:
            sellable === undefined
              ? null
              : {
                  available: sellable.available,
                  mode: sellable.mode,
                  version: sellable.version,
                  asOf: isoTime(clock.now()),
                  source: 'cassandra stock' as const,
                },
          ledger:
            ledger === undefined
              ? null
              : {
                  onHand: ledger.onHand,
                  reserved: ledger.reserved,
                  sold: ledger.sold,
                  version: ledger.version,
                  updatedAt: isoTime(ledger.updatedAt),
                  source: 'cassandra stock_state' as const,
                },
        }
      },
    )
    app.post(
      '/stock/:sku/adjustments',
      {
        schema: {
          operationId: 'adjustStock',
          summary: 'Add stock, or take it away',
          description:
            'A negative quantity is taken at once, or refused as OutOfStock. A positive one can be sold as soon as it has been settled.',
          tags: ['stock'],
          params: skuParamsSchema,
          headers: idempotencyHeadersSchema,
          body: adjustmentRequestSchema,
          response: { 202: adjustmentAnswer, ...problems(400, 409, 413, 415, 422, 503) },
        },
      },
      async (request, reply) => {
        const { entry: adjustment, headers } = await entryOf('adjustment', metrics, () =>
          adjustStock({ sku: request.params.sku, ...request.body }, request.headers['idempotency-key']),
        )
        crash?.('order.before-answer')
        const { id, sku, quantity, reason, createdAt } = adjustment
        return reply
          .code(202)
          .headers(headers)
          .send({ adjustmentId: id, sku, quantity, reason, createdAt: isoTime(createdAt) })
      },
    )
    done()
  }
