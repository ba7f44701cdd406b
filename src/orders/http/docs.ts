import type { FastifyInstance } from 'fastify'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'

/** Everything the pages under /docs load comes from this service; the UI sets inline styles. */
const docsPolicy =
  "default-src 'self'; base-uri 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; object-src 'none'; frame-ancestors 'none'; form-action 'self'"

/** The OpenAPI document of all routes registered afterwards, at `/docs/json`, with a page at `/docs`. */
export const registerDocs = async (app: FastifyInstance, version: string): Promise<void> => {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Sluice order service',
        description:
          'Takes orders against stock that is reserved atomically. Errors are RFC 9457 problems. Money is in integer minor units.',
        version,
      },
      tags: [
        { name: 'orders', description: 'Place orders and ask for them.' },
        { name: 'stock', description: 'What can be sold, and adjustments to it.' },
        { name: 'operations', description: 'Health and metrics.' },
      ],
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  })
  await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: docsPolicy })
}
