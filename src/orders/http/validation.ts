import type { FastifyRequest, FastifySchemaCompiler } from 'fastify'
import { z } from 'zod'
import { limits } from '../limits.ts'
import { faultsOf } from './faults.ts'
import type { Fault } from './faults.ts'
import { invalidRequest } from './problem.ts'
import { orderRequestSchema } from './schemas.ts'

const parts: Readonly<Record<string, Fault['in']>> = {
  params: 'path',
  querystring: 'query',
  headers: 'header',
}

/** Validates a part of a request by its Zod schema; the error carries every fault. */
export const compileValidator: FastifySchemaCompiler<unknown> = ({ schema, httpPart }) => {
  if (!(schema instanceof z.ZodType)) throw new TypeError('the schema of a route must be a Zod schema')
  const part = httpPart === undefined ? undefined : parts[httpPart]
  return (data: unknown) => {
    const result = schema.safeParse(data ?? undefined)
    if (result.success) return { value: result.data }
    return { error: invalidRequest(faultsOf(result.error.issues, part)) }
  }
}

/**
 * Refuses an order of too many lines before each of its lines is looked at: half a megabyte can hold 170,000 of them,
 * and several faults in each.
 */
export const refuseTooManyLines = async (request: FastifyRequest): Promise<void> => {
  const { body } = request
  if (typeof body !== 'object' || body === null || !('lines' in body) || !Array.isArray(body.lines)) return
  if (body.lines.length <= limits.linesPerOrder) return
  const rest = orderRequestSchema.safeParse({ ...body, lines: [] })
  throw invalidRequest([
    { pointer: '#/lines', message: `must hold at most ${limits.linesPerOrder} lines` },
    ...faultsOf(rest.error?.issues.filter(issue => issue.path[0] !== 'lines') ?? []),
  ])
}
