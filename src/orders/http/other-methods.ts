import type { FastifyInstance } from 'fastify'
import { problem } from './problem.ts'

const allowed: Readonly<Record<string, readonly string[]>> = {
  '/orders': ['POST'],
  '/orders/:id': ['GET', 'HEAD'],
  '/stock/:sku': ['GET', 'HEAD'],
  '/stock/:sku/adjustments': ['POST'],
  '/livez': ['GET', 'HEAD'],
  '/readyz': ['GET', 'HEAD'],
  '/startupz': ['GET', 'HEAD'],
  '/metrics': ['GET', 'HEAD'],
}
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']

/** Answers 405 with `Allow` where a path is known and the method is not. */
export const otherMethods = async (app: FastifyInstance): Promise<void> => {
  for (const [url, known] of Object.entries(allowed)) {
    app.route({
      url,
      method: methods.filter(method => !known.includes(method)),
      schema: { hide: true },
      // Before the body is read: whatever it holds, the answer is the same.
      onRequest: async (_request, reply) => {
        reply.header('allow', known.join(', '))
        throw problem('MethodNotAllowed', `the path takes ${known.join(' and ')} only`)
      },
      handler: async () => undefined,
    })
  }
}
