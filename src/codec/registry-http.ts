import type { Clock } from '../core/clock.ts'
import { messageOf, SluiceError } from '../core/errors.ts'

export interface RegistryHttpOptions {
  /** Base of the API, without a slash at its end. */
  readonly baseUrl: string
  readonly fetch: typeof fetch
  readonly clock: Clock
  /** Of one attempt. */
  readonly timeoutMs: number
  /** Attempts after the first. */
  readonly retries: number
  /** Wait before the first retry; doubles each time. */
  readonly backoffMs: number
  /** No attempt is begun after this; who calls has a longer patience of its own. */
  readonly patienceMs: number
}

/** An answer that a registry gave, of a status below 500. */
export interface RegistryAnswer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

/** One request; the path begins with a slash. */
export type RegistryCall = (method: string, path: string, body?: unknown) => Promise<RegistryAnswer>

const contentType = 'application/vnd.schemaregistry.v1+json'
const longestWaitMs = 5_000

/**
 * Speaks to a registry over HTTP, and tells its answers from those of whatever stands in its place: a proxy's page, a
 * server that starts, a wrong path. Those are the same as no answer: they say nothing about a schema.
 *
 * Errors: `SLUICE_REGISTRY_UNAVAILABLE` (reaction `retry`) after some attempts.
 */
export const registryHttp = (options: RegistryHttpOptions): RegistryCall => {
  const { baseUrl, clock, retries, backoffMs, patienceMs } = options

  return async (method, path, body) => {
    const begin = clock.now()
    for (let failures = 0; ; failures += 1) {
      try {
        return await attempt(options, method, path, body)
      } catch (error) {
        const asked = error instanceof NoAnswer ? error.waitMs : undefined
        const waitMs = asked ?? backoffMs * 2 ** failures
        const isSpent = failures >= retries || clock.now() + waitMs - begin > patienceMs
        if (isSpent) throw unavailable(baseUrl, method, path, error)
        await clock.sleep(Math.min(waitMs, longestWaitMs))
      }
    }
  }
}

/** What was answered is not the registry's word on the question. */
class NoAnswer extends Error {
  /** What the server asked for, if it did. */
  readonly waitMs: number | undefined

  constructor(message: string, waitMs?: number) {
    super(message)
    this.waitMs = waitMs
  }
}

const attempt = async (
  { baseUrl, fetch: send, timeoutMs }: RegistryHttpOptions,
  method: string,
  path: string,
  body: unknown,
): Promise<RegistryAnswer> => {
  const response = await send(`${baseUrl}${path}`, {
    method,
    headers: { accept: `${contentType}, application/json`, 'content-type': contentType },
    signal: AbortSignal.timeout(timeoutMs),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const { status } = response
  const text = await response.text()
  if (status >= 500 || status === 429 || status === 408)
    throw new NoAnswer(`status ${status}: ${excerpt(text)}`, retryAfterMs(response))
  // Apicurio refuses the slower of two first writers of the same thing; asked again, it finds it there.
  if (status === 409 && text.includes('already exists')) throw new NoAnswer(excerpt(text))
  const json = parseObject(text)
  // A refusal may come from a gateway in front of the registry, in words of its own.
  if (status === 401 || status === 403) return { status, body: json ?? { message: excerpt(text) } }
  if (json === undefined)
    throw new NoAnswer(
      `status ${status} with ${response.headers.get('content-type') ?? 'no content type'}, which is no answer of a registry: ${excerpt(text)}`,
    )
  if (status === 404 && !isRegistryCode(json['error_code']))
    throw new NoAnswer(`status 404 for the path itself; is the URL right? ${excerpt(text)}`)
  return { status, body: json }
}

/** 40401 to 40499: something that a registry looked for and does not have, unlike a 404 of a web server. */
const isRegistryCode = (code: unknown): boolean => typeof code === 'number' && code > 40_400 && code < 40_500

const retryAfterMs = (response: Response): number | undefined => {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : undefined
}

const excerpt = (text: string): string => text.replaceAll(/\s+/g, ' ').slice(0, 200)

const parseObject = (text: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    const value = JSON.parse(text) as unknown
    return typeof value === 'object' && value !== null
      ? (value as Readonly<Record<string, unknown>>)
      : undefined
  } catch {
    return undefined
  }
}

/** fetch says no more than "fetch failed"; why is in the cause. */
const reasonOf = (error: unknown): string => {
  const cause = error instanceof Error ? error.cause : undefined
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  const inner = cause instanceof Error ? cause.message || code : ''
  return inner === '' ? messageOf(error) : `${messageOf(error)} (${inner})`
}

const unavailable = (baseUrl: string, method: string, path: string, error: unknown): SluiceError =>
  new SluiceError({
    code: 'SLUICE_REGISTRY_UNAVAILABLE',
    message: `the schema registry at ${baseUrl} did not answer ${method} ${path}: ${reasonOf(error)}`,
    remedy: 'start it, or correct the registry URL (SLUICE_REGISTRY_URL)',
    reaction: 'retry',
    details: { baseUrl, path },
    cause: error,
  })
