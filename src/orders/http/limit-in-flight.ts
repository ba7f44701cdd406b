import type { FastifyInstance, FastifyRequest } from 'fastify'
import { problem } from './problem.ts'

/**
 * Refuses requests beyond `maximum` at once (503 Busy): more work would only make all of it late. A request counts until it has its
 * answer, even one whose client has gone: its work goes on. One whose client goes before all of it has come has no work, and counts no
 * longer.
 *
 * @param changed Told of each request that begins (1) or is over (-1).
 * @example limitInFlight(api, 1_000, change => metrics.inFlight(change))
 */
export const limitInFlight = (
  api: FastifyInstance,
  maximum: number,
  changed: (change: 1 | -1) => void,
): void => {
  const counted = new Set<FastifyRequest>()
  const atWork = new WeakSet<FastifyRequest>()
  const leave = (request: FastifyRequest): void => {
    if (counted.delete(request)) changed(-1)
  }
  api.addHook('onRequest', async (request, reply) => {
    if (counted.size >= maximum) throw problem('Busy', 'the service has more work than it can do; try again')
    counted.add(request)
    changed(1)
    reply.raw.once('close', () => {
      if (!atWork.has(request)) leave(request)
    })
  })
  api.addHook('preHandler', async request => void atWork.add(request))
  // Neither onResponse nor onRequestAbort comes for a client that goes between its request and the answer.
  api.addHook('onSend', async request => leave(request))
}
