import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod'
import type { CrashPoints } from '../../core/crash-points.ts'
import type { EntryRepository } from '../entry-repository.ts'
import type { OrderMetrics } from '../metrics.ts'
import type { Order } from '../order.ts'
import type { PlaceOrder } from '../place-order.ts'
import { orderAnswer, problems } from './answers.ts'
import { entryOf } from './entry-answer.ts'
import { problem } from './problem.ts'
import { idempotencyHeadersSchema, orderParamsSchema, orderRequestSchema } from './schemas.ts'
import { refuseTooManyLines } from './validation.ts'

export interface OrderRoutes {
  readonly placeOrder: PlaceOrder
  readonly orders: EntryRepository<Order>
  readonly metrics: OrderMetrics
  readonly crash?: CrashPoints | undefined
}

const answerOf = (order: Order) => ({
  id: order.id,
  customerId: order.customerId,
  status: order.status,
  lines: order.lines.map(({ sku, quantity, amountMinor }) => ({ sku, quantity, amountMinor })),
  totalMinor: order.totalMinor,
  createdAt: new Date(order.createdAt).toISOString(),
})

/** `POST /orders` and `GET /orders/:id`. */
export const orderRoutes =
  ({ placeOrder, orders, metrics, crash }: OrderRoutes): FastifyPluginCallbackZod =>
  (app, _options, done) => {
    app.post(
      '/orders',
      {
        schema: {
          operationId: 'placeOrder',
          summary: 'Place an order',
          description:
            'Takes the stock of all lines, or of none. Lines of one SKU are merged. The order is confirmed (or rejected) soon after; ask for it by its Location.',
          tags: ['orders'],
          headers: idempotencyHeadersSchema,
          body: orderRequestSchema,
          response: {
            201: orderAnswer.describe('The order, accepted.'),
            ...problems(400, 409, 413, 415, 422, 503),
          },
        },
        preValidation: refuseTooManyLines,
      },
      async (request, reply) => {
        const { entry: order, headers } = await entryOf('order', metrics, () =>
          placeOrder(request.body, request.headers['idempotency-key']),
        )
        crash?.('order.before-answer')
        // A repeated request gets the first answer, whatever has become of the order since.
        return reply
          .code(201)
          .headers(headers)
          .header('location', `/orders/${order.id}`)
          .send(answerOf({ ...order, status: 'created' }))
      },
    )
    app.get(
      '/orders/:id',
      {
        schema: {
          operationId: 'getOrder',
          summary: 'An order and its status',
          tags: ['orders'],
          params: orderParamsSchema,
          response: { 200: orderAnswer, ...problems(400, 404, 503) },
        },
      },
      async request => {
        const order = await orders.find(request.params.id)
        if (order === undefined) throw problem('NotFound', `there is no order ${request.params.id}`)
        return answerOf(order)
      },
    )
    done()
  }
