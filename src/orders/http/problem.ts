import type { StockShortage } from '../reservation/types.ts'
import type { Fault } from './faults.ts'

/** The body of every error answer (RFC 9457), media type `application/problem+json`. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  /** Stable name of the problem. */
  readonly code: string
  readonly errors?: readonly Fault[]
  readonly outOfStock?: readonly StockShortage[]
}

const statuses = {
  InvalidRequest: 400,
  MalformedJson: 400,
  OutOfStock: 400,
  NotFound: 404,
  MethodNotAllowed: 405,
  RequestTimeout: 408,
  KeyInProgress: 409,
  BodyTooLarge: 413,
  UnsupportedMediaType: 415,
  KeyReused: 422,
  HeadersTooLarge: 431,
  Internal: 500,
  Busy: 503,
  Unavailable: 503,
} as const

export type ProblemCode = keyof typeof statuses

const kebab = (name: string): string => name.replace(/(?<=.)[A-Z]/g, '-$&').toLowerCase()

/** Thrown by routes; the error handler turns it into the answer. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError'
  readonly problem: Problem
  /** Seconds; sent as Retry-After. */
  readonly retryAfterS: number | undefined

  constructor(problem: Problem, retryAfterS?: number) {
    super(problem.detail)
    this.problem = problem
    this.retryAfterS = retryAfterS
  }
}

/** @example throw problem('NotFound', 'there is no order 01970f2c-…') */
export const problem = (
  code: ProblemCode,
  detail: string,
  more: Pick<Problem, 'errors' | 'outOfStock'> = {},
): ProblemError =>
  new ProblemError(
    { type: `urn:sluice:problem:${kebab(code)}`, title: code, status: statuses[code], detail, code, ...more },
    statuses[code] === 503 || statuses[code] === 409 ? 1 : undefined,
  )

/** Wrong input, with every fault. */
export const invalidRequest = (faults: readonly Fault[]): ProblemError =>
  problem(
    'InvalidRequest',
    faults.length === 1 ? 'the request has 1 fault' : `the request has ${faults.length} faults`,
    {
      errors: faults,
    },
  )
