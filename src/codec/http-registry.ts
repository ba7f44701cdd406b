import { systemClock } from '../core/clock.ts'
import type { Clock } from '../core/clock.ts'
import { SluiceError } from '../core/errors.ts'
import { mapLimited } from '../core/limited.ts'
import { incompatibilities } from './compatibility.ts'
import { incompatibleSchema, isCompatibilityLevel, refusedByRegistry, unknownSchema } from './registry.ts'
import type { RegisteredSchema, SchemaRegistry } from './registry.ts'
import { registryHttp } from './registry-http.ts'
import type { RegistryAnswer } from './registry-http.ts'

export interface HttpRegistryOptions {
  /** Base of the Confluent-compatible API, e.g. `http://localhost:8080/apis/ccompat/v7`. */
  readonly baseUrl: string
  readonly fetch?: typeof fetch
  readonly clock?: Clock
  /** Of one attempt. Default 5,000. */
  readonly timeoutMs?: number
  /** Attempts after the first, where no registry answers. Default 4. */
  readonly retries?: number
  /** Wait before the first retry; doubles each time. Default 100. */
  readonly backoffMs?: number
  /** No attempt is begun after this. Default 5,000. */
  readonly patienceMs?: number
}

/**
 * A registry over Confluent's REST API (Apicurio `ccompat/v7`, Confluent, Karapace).
 *
 * @example const registry = httpSchemaRegistry({ baseUrl: 'http://localhost:8080/apis/ccompat/v7' })
 */
export const httpSchemaRegistry = (options: HttpRegistryOptions): SchemaRegistry => {
  const baseUrl = options.baseUrl.replace(/\/+$/, '')
  const call = registryHttp({
    baseUrl,
    fetch: options.fetch ?? fetch,
    clock: options.clock ?? systemClock,
    timeoutMs: options.timeoutMs ?? 5_000,
    retries: options.retries ?? 4,
    backoffMs: options.backoffMs ?? 100,
    patienceMs: options.patienceMs ?? 5_000,
  })

  const expectOk = (answer: RegistryAnswer, what: string): RegistryAnswer['body'] => {
    if (answer.status < 300) return answer.body
    throw refused(baseUrl, what, answer)
  }

  const schemaIn = (body: RegistryAnswer['body'], what: string): string => {
    const { schema } = body
    if (typeof schema === 'string') return schema
    throw noSchema(baseUrl, what)
  }

  const version = async (
    subject: string,
    which: number | 'latest',
  ): Promise<RegisteredSchema | undefined> => {
    const answer = await call('GET', `/subjects/${encodeURIComponent(subject)}/versions/${which}`)
    if (answer.status === 404) return undefined
    const what = `give version ${which} of ${subject}`
    const body = expectOk(answer, what)
    return { id: Number(body['id']), version: Number(body['version']), schema: schemaIn(body, what) }
  }

  const versions = async (subject: string): Promise<RegisteredSchema[]> => {
    const answer = await call('GET', `/subjects/${encodeURIComponent(subject)}/versions`)
    if (answer.status === 404) return []
    const numbers = Object.values(expectOk(answer, `list the versions of ${subject}`)).map(Number)
    const found = await mapLimited(numbers, 8, number => version(subject, number))
    return found.filter(entry => entry !== undefined).toSorted((left, right) => left.version - right.version)
  }

  return {
    versions,
    latest: subject => version(subject, 'latest'),
    subjects: async () =>
      Object.values(expectOk(await call('GET', '/subjects'), 'list its subjects'))
        .map(String)
        .toSorted(),
    register: async (subject, schemaJson) => {
      const path = `/subjects/${encodeURIComponent(subject)}/versions`
      const answer = await call('POST', path, { schema: schemaJson, schemaType: 'AVRO' })
      if (answer.status === 409) {
        // The server's own words rarely name the field: find it, with the same rules.
        const faults = incompatibilities('FULL_TRANSITIVE', schemaJson, await versions(subject))
        throw faults.length > 0
          ? incompatibleSchema(subject, faults)
          : refusedByRegistry(subject, messageIn(answer))
      }
      return Number(expectOk(answer, `register a schema for ${subject}`)['id'])
    },
    schemaById: async id => {
      const answer = await call('GET', `/schemas/ids/${id}`)
      if (answer.status === 404) throw unknownSchema(id)
      const what = `give schema ${id}`
      return schemaIn(expectOk(answer, what), what)
    },
    compatibility: async subject => {
      const answer = await call('GET', `/config/${encodeURIComponent(subject)}`)
      if (answer.status === 404) return undefined
      const level = expectOk(answer, `give the compatibility of ${subject}`)['compatibilityLevel']
      return isCompatibilityLevel(level) ? level : undefined
    },
    setCompatibility: async (subject, level) => {
      const answer = await call('PUT', `/config/${encodeURIComponent(subject)}`, { compatibility: level })
      if (answer.status === 404) return false
      expectOk(answer, `set the compatibility of ${subject}`)
      return true
    },
    checkCompatibility: async (subject, schemaJson) => {
      const path = `/compatibility/subjects/${encodeURIComponent(subject)}/versions?verbose=true`
      const answer = await call('POST', path, { schema: schemaJson, schemaType: 'AVRO' })
      if (answer.status === 404) return { compatible: true, messages: [] }
      const body = expectOk(answer, `compare a schema of ${subject}`)
      if (body['is_compatible'] === true) return { compatible: true, messages: [] }
      const words = [body['messages'], body['reason']].flat().filter(word => typeof word === 'string')
      return { compatible: false, messages: words.length > 0 ? words : ['refused without a reason'] }
    },
  }
}

const messageIn = ({ body }: RegistryAnswer): string => {
  const { message } = body
  return typeof message === 'string' ? message : 'no message'
}

const refused = (baseUrl: string, what: string, answer: RegistryAnswer): SluiceError =>
  new SluiceError({
    code: 'SLUICE_REGISTRY_REFUSED',
    message: `the schema registry refused to ${what}: status ${answer.status}, ${messageIn(answer)}`,
    remedy: `check ${baseUrl} and the rights of the client`,
    details: { baseUrl, status: answer.status },
  })

const noSchema = (baseUrl: string, what: string): SluiceError =>
  new SluiceError({
    code: 'SLUICE_REGISTRY_UNAVAILABLE',
    message: `the schema registry at ${baseUrl} was asked to ${what} and gave none`,
    remedy: 'check that the URL is that of a Confluent-compatible registry',
    reaction: 'retry',
    details: { baseUrl },
  })
