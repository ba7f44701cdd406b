import helmet from '@fastify/helmet'
import underPressure from '@fastify/under-pressure'
import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { Registry } from 'prom-client'
import type { Clock } from '../../core/clock.ts'
import type { CrashPoints } from '../../core/crash-points.ts'
import type { Logger } from '../../core/log.ts'
import type { Postgres } from '../../postgres/pool.ts'
import { createEntryAcceptance } from '../accept-entry.ts'
import { createAdjustStock } from '../adjust-stock.ts'
import { createAdjustmentsRepository } from '../adjustments-repository.ts'
import { createIdempotencyKeys } from '../idempotency.ts'
import { limits } from '../limits.ts'
import { createOrderMetrics } from '../metrics.ts'
import type { OrderMetrics } from '../metrics.ts'
import { createOrdersRepository } from '../orders-repository.ts'
import { createPlaceOrder } from '../place-order.ts'
import type { ReservationIntents, Reservations } from '../reservation/types.ts'
import type { StockReader } from '../stock-view.ts'
import { registerDocs } from './docs.ts'
import { clientErrorHandler, errorHandler, problemOf, sendProblem } from './error-answer.ts'
import { parseJsonBody } from './json-body.ts'
import { limitInFlight } from './limit-in-flight.ts'
import { otherMethods } from './other-methods.ts'
import { problem } from './problem.ts'
import { healthRoutes } from './routes-health.ts'
import { orderRoutes } from './routes-orders.ts'
import { stockRoutes } from './routes-stock.ts'
import { compileValidator } from './validation.ts'

/** What an operator may tune; every field has a default. */
interface OrderServiceConfig {
  /** Requests worked on at once before others get 503, default 1,000. */
  readonly maxInFlight?: number
  /** How long a request may hold its Idempotency-Key before a retry takes it over, default 30,000 ms. */
  readonly keyLeaseMs?: number
  /** After this time a request reserves nothing any more, default 20,000 ms; below the reaper's grace. */
  readonly reserveWithinMs?: number | undefined
  /** Event-loop delay from which requests get 503, default 2,000 ms; 0 turns it off. */
  readonly maxEventLoopDelayMs?: number
  /** How long a health check waits for a server, default 2,000 ms. */
  readonly healthTimeoutMs?: number
  /** Shown in the API's documentation. */
  readonly version?: string
}

export interface OrderServiceOptions {
  readonly postgres: Postgres
  readonly reservations: Reservations
  readonly intents: ReservationIntents
  readonly stockReader: StockReader
  readonly clock: Clock
  readonly log: Logger
  /** What `/metrics` shows; default a registry of its own. */
  readonly registry?: Registry
  /** Default: new ones in that registry. */
  readonly metrics?: OrderMetrics
  readonly config?: OrderServiceConfig
  readonly crash?: CrashPoints | undefined
}

const longestUrlPart = 16_384

/**
 * The order service as a Fastify instance that is not listening yet; `inject()` works on it. Closing it waits for requests
 * and for work in the background, and leaves the adapters open.
 *
 * @example
 * const app = await createOrderService({ postgres, reservations, intents, stockReader, clock: systemClock, log })
 * await app.listen({ port: 8080 })
 */
export const createOrderService = async (options: OrderServiceOptions): Promise<FastifyInstance> => {
  const { postgres, reservations, intents, stockReader, clock, log, config = {}, crash } = options
  const registry = options.registry ?? new Registry()
  const metrics = options.metrics ?? createOrderMetrics(registry)
  const orders = createOrdersRepository(postgres)
  const adjustments = createAdjustmentsRepository(postgres)
  const idempotency = createIdempotencyKeys(postgres, config.keyLeaseMs ?? 30_000)
  const acceptance = createEntryAcceptance({
    postgres,
    idempotency,
    reservations,
    intents,
    clock,
    log,
    metrics,
    reserveWithinMs: config.reserveWithinMs,
    crash,
  })

  const app = Fastify({
    logger: false,
    bodyLimit: limits.bodyBytes,
    requestTimeout: 30_000,
    clientErrorHandler,
    routerOptions: { maxParamLength: longestUrlPart },
    frameworkErrors: (error, _request, reply) => {
      sendProblem(reply, problemOf(error))
    },
  }).withTypeProvider<ZodTypeProvider>()
  let stopping = false
  app.setValidatorCompiler(compileValidator)
  // Our own routes build every answer field by field; the schemas are its documentation.
  app.setSerializerCompiler(() => data => JSON.stringify(data))
  app.setErrorHandler(errorHandler(log))
  app.setNotFoundHandler((_request, reply) =>
    sendProblem(reply, problem('NotFound', 'there is no such path')),
  )
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, bytes, done) => {
    const parsed = parseJsonBody(typeof bytes === 'string' ? Buffer.from(bytes) : bytes)
    if (parsed.ok) done(null, parsed.value)
    else
      done(problem('MalformedJson', parsed.detail, parsed.faults.length > 0 ? { errors: parsed.faults } : {}))
  })

  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    },
    // Whoever ends TLS in front of the service decides on it.
    strictTransportSecurity: false,
  })
  await registerDocs(app, config.version ?? '0.1.0')
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none'
    const durationMs = reply.elapsedTime
    metrics.request(route, request.method, reply.statusCode, durationMs / 1_000)
    log.debug(
      { requestId: request.id, route, status: reply.statusCode, durationMs },
      'a request was answered',
    )
  })

  await app.register(async api => {
    const maxEventLoopDelay = config.maxEventLoopDelayMs ?? 2_000
    if (maxEventLoopDelay > 0) await api.register(underPressure, { maxEventLoopDelay, retryAfter: 1 })
    limitInFlight(api, config.maxInFlight ?? 1_000, change => metrics.inFlight(change))
    const placeOrder = createPlaceOrder(acceptance, orders)
    const adjustStock = createAdjustStock(acceptance, adjustments)
    await api.register(orderRoutes({ placeOrder, orders, metrics, crash }))
    await api.register(stockRoutes({ adjustStock, reservations, stockReader, clock, metrics, crash }))
  })
  await app.register(
    healthRoutes({
      checks: { postgres: () => postgres.ping(), cassandra: () => stockReader.ping() },
      registry,
      timeoutMs: config.healthTimeoutMs ?? 2_000,
      stopping: () => stopping,
    }),
  )
  await app.register(otherMethods)
  app.addHook('preClose', async () => {
    stopping = true
  })
  // A connection kept alive by the last answer would hold up the stop until the client lets go of it.
  app.addHook('onSend', async (_request, reply) => {
    if (stopping) reply.header('connection', 'close')
  })
  app.addHook('onClose', () => acceptance.drain())
  await app.ready()
  return app
}
