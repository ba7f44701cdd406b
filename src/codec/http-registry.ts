import { setTimeout as wait } from 'node:timers/promises'
import { messageOf, SluiceError } from '../core/errors.ts'
import { incompatibilities } from './compatibility.ts'
import { incompatibleSchema, unknownSchema } from './registry.ts'
import type { SchemaRegistry } from './registry.ts'

export interface HttpRegistryOptions {
  /** Base of the Confluent-compatible API, e.g. `http://localhost:8080/apis/ccompat/v7`. */
  readonly baseUrl: string
  readonly fetch?: typeof fetch
  /** Of one attempt. Default 5,000. */
  readonly timeoutMs?: number
  /** Attempts after the first, for lost connections and 5xx answers. Default 4. */
  readonly retries?: number
  /** Wait before the first retry; doubles each time. Default 100. */
  readonly backoffMs?: number
}

interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

const contentType = 'application/vnd.schemaregistry.v1+json'

/**
 * A registry over Confluent's REST API (Apicurio `ccompat/v7`, Confluent, Karapace).
 *
 * @example const registry = httpSchemaRegistry({ baseUrl: 'http://localhost:8080/apis/ccompat/v7' })
 */
export const httpSchemaRegistry = (options: HttpRegistryOptions): SchemaRegistry => {
  const send = options.fetch ?? fetch
  const { timeoutMs = 5_000, retries = 4, backoffMs = 100 } = options
  const base = options.baseUrl.replace(/\/+$/, '')

  const attempt = async (method: string, path: string, body: unknown): Promise<Answer> => {
    const response = await send(`${base}${path}`, {
      method,
      headers: { accept: `${contentType}, application/json`, 'content-type': contentType },
      signal: AbortSignal.timeout(timeoutMs),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const json = await response.text()
    // Apicurio refuses the slower of two first writers of the same thing; asked again, it finds it there.
    if (response.status === 409 && json.includes('already exists')) throw new Error(json.slice(0, 200))
    if (response.status >= 500) throw new Error(`status ${response.status}: ${json.slice(0, 200)}`)
    return { status: response.status, body: parse(json) }
  }

  const call = async (method: string, path: string, body?: unknown): Promise<Answer> => {
    for (let failures = 0; ; failures += 1) {
      try {
        return await attempt(method, path, body)
      } catch (error) {
        if (failures >= retries) throw unavailable(base, path, error)
        await wait(backoffMs * 2 ** failures)
      }
    }
  }

  const expectOk = (answer: Answer, what: string): Answer => {
    if (answer.status < 300) return answer
    throw new SluiceError({
      code: 'SLUICE_REGISTRY_REFUSED',
      message: `the schema registry refused to ${what}: status ${answer.status}, ${text(answer, 'message')}`,
      remedy: `check ${base} and the rights of the client`,
      details: { baseUrl: base, status: answer.status },
    })
  }

  const textOf = async (subject: string, version: number | string): Promise<Answer> =>
    call('GET', `/subjects/${encodeURIComponent(subject)}/versions/${version}`)

  const allVersions = async (subject: string): Promise<string[]> => {
    const answer = await call('GET', `/subjects/${encodeURIComponent(subject)}/versions`)
    if (answer.status === 404) return []
    const versions = Object.values(expectOk(answer, `list the versions of ${subject}`).body) as number[]
    const texts: string[] = []
    for (const version of versions) texts.push(text(await textOf(subject, version), 'schema'))
    return texts
  }

  const register = async (subject: string, schemaJson: string): Promise<number> => {
    const path = `/subjects/${encodeURIComponent(subject)}/versions`
    const answer = await call('POST', path, { schema: schemaJson, schemaType: 'AVRO' })
    if (answer.status === 409) {
      // The server's own words rarely name the field: find it, with the same rules.
      const faults = incompatibilities('FULL_TRANSITIVE', schemaJson, await allVersions(subject))
      throw incompatibleSchema(subject, faults.length > 0 ? faults : [text(answer, 'message')])
    }
    return Number(expectOk(answer, `register a schema for ${subject}`).body['id'])
  }

  return {
    register,
    schemaById: async id => {
      const answer = await call('GET', `/schemas/ids/${id}`)
      if (answer.status === 404) throw unknownSchema(id)
      return text(expectOk(answer, `give schema ${id}`), 'schema')
    },
    latest: async subject => {
      const answer = await textOf(subject, 'latest')
      if (answer.status === 404) return undefined
      expectOk(answer, `give the latest schema of ${subject}`)
      const { body } = answer
      return { id: Number(body['id']), version: Number(body['version']), schema: text(answer, 'schema') }
    },
    setCompatibility: async (subject, level) => {
      const answer = await call('PUT', `/config/${encodeURIComponent(subject)}`, { compatibility: level })
      expectOk(answer, `set the compatibility of ${subject}`)
    },
    checkCompatibility: async (subject, schemaJson) => {
      const path = `/compatibility/subjects/${encodeURIComponent(subject)}/versions?verbose=true`
      const answer = await call('POST', path, { schema: schemaJson, schemaType: 'AVRO' })
      if (answer.status === 404) return { compatible: true, messages: [] }
      const compatible = expectOk(answer, `compare a schema of ${subject}`).body['is_compatible'] === true
      if (compatible) return { compatible, messages: [] }
      const faults = incompatibilities('FULL_TRANSITIVE', schemaJson, await allVersions(subject))
      return {
        compatible,
        messages: faults.length > 0 ? faults : ['refused by the registry without a reason'],
      }
    },
  }
}

const text = (answer: Answer, name: string): string => {
  const value = answer.body[name]
  return typeof value === 'string' ? value : `(no ${name})`
}

const parse = (json: string): Readonly<Record<string, unknown>> => {
  try {
    const value = JSON.parse(json) as unknown
    return typeof value === 'object' && value !== null
      ? (value as Readonly<Record<string, unknown>>)
      : { value }
  } catch {
    return { message: json.slice(0, 200) }
  }
}

const unavailable = (base: string, path: string, cause: unknown): SluiceError =>
  new SluiceError({
    code: 'SLUICE_REGISTRY_UNAVAILABLE',
    message: `the schema registry at ${base} did not answer ${path}: ${messageOf(cause)}`,
    remedy: 'start it, or correct the registry URL',
    reaction: 'retry',
    details: { baseUrl: base, path },
    cause,
  })
