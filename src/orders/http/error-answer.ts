import type { Socket } from 'node:net'
import type { ConnectionError, FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { SluiceError, messageOf } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'
import { limits } from '../limits.ts'
import { ProblemError, problem } from './problem.ts'

const busy: ReadonlySet<string> = new Set([
  'SLUICE_POSTGRES_BUSY',
  'SLUICE_POSTGRES_CONFLICT',
  'SLUICE_STOCK_BUSY',
])

const ofSluice = (error: SluiceError): ProblemError => {
  if (error.code === 'SLUICE_ENTRY_ABANDONED') {
    return problem('Unavailable', 'the request took too long and was given up; send it again')
  }
  if (busy.has(error.code)) return problem('Busy', 'too many requests at this moment; try again')
  if (error.reaction === 'retry' || error.code.endsWith('_UNAVAILABLE')) {
    const server = error.code.includes('CASSANDRA') ? 'the stock database' : 'the order database'
    return problem(
      'Unavailable',
      `${server} cannot answer now; try again, with the same Idempotency-Key if there was one`,
    )
  }
  if (error.code === 'SLUICE_STOCK_MODE_UNSUPPORTED') {
    return problem('Unavailable', 'a SKU of the request is being sold in a mode this process does not know')
  }
  return problem('Internal', 'the request could not be handled; it has been logged')
}

const ofFastify = (error: Partial<FastifyError>): ProblemError => {
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return problem('BodyTooLarge', `the body must have at most ${limits.bodyBytes} bytes`)
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return problem('UnsupportedMediaType', 'the body must be application/json')
    case 'FST_ERR_BAD_URL':
      return problem('InvalidRequest', 'the path is not validly percent-encoded')
    case 'FST_UNDER_PRESSURE':
      return problem('Busy', 'the service has more work than it can do; try again')
    default:
      return error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500
        ? problem('InvalidRequest', 'the request could not be read')
        : problem('Internal', 'the request could not be handled; it has been logged')
  }
}

/** The answer to anything thrown: nothing of an unexpected error reaches the client. */
export const problemOf = (error: unknown): ProblemError => {
  if (error instanceof ProblemError) return error
  if (error instanceof SluiceError) return ofSluice(error)
  return ofFastify(error instanceof Error ? error : {})
}

/** Sends a problem with its media type and Retry-After. */
export const sendProblem = (reply: FastifyReply, { problem, retryAfterS }: ProblemError): FastifyReply => {
  if (retryAfterS !== undefined) reply.header('retry-after', retryAfterS)
  return reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem))
}

/** Fastify's error handler: logs what is the service's fault, answers everything. */
export const errorHandler =
  (log: Logger) =>
  (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const answer = problemOf(error)
    if (answer.problem.status >= 500) {
      const details = {
        requestId: request.id,
        route: request.routeOptions.url,
        code: error instanceof SluiceError ? error.code : undefined,
        error: messageOf(error),
        stack: answer.problem.code === 'Internal' && error instanceof Error ? error.stack : undefined,
      }
      if (answer.problem.code === 'Internal') log.error(details, 'a request failed')
      else log.warn(details, 'a request was put off')
    }
    return sendProblem(reply, answer)
  }

const ofConnection = (code: string): ProblemError => {
  if (code === 'HPE_HEADER_OVERFLOW')
    return problem('HeadersTooLarge', 'the head of the request is too large')
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return problem('RequestTimeout', 'the request did not arrive in time')
  return problem('InvalidRequest', 'what arrived is not an HTTP request')
}

/** Answers what never became a request, on its socket, and closes that. */
export const clientErrorHandler = (error: ConnectionError, socket: Socket): void => {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  const { problem: answer } = ofConnection(error.code)
  const body = JSON.stringify(answer)
  const head = [
    `HTTP/1.1 ${answer.status} ${answer.title}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  if (socket.writable) socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
  socket.destroySoon()
}
