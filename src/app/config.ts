import { z } from 'zod'
import { SluiceError } from '../core/errors.ts'
import type { StackUrls } from '../stack/types.ts'

/** Everything the project needs to know of its surroundings, checked. */
export interface Config {
  /** Base URL of the order service, without a slash at its end. */
  readonly apiUrl: string
  /** Where `sluice serve` listens. */
  readonly apiPort: number
  readonly postgresUrl: string
  /** `host:port` of each bootstrap broker. */
  readonly kafkaBrokers: readonly string[]
  /** `host:port` of each contact point. */
  readonly cassandraContactPoints: readonly string[]
  readonly cassandraDatacenter: string
  /** Base URL of the Confluent-compatible API. */
  readonly registryUrl: string
  readonly keyspace: string
  /** A worker that is silent for so long has lost its tasks. */
  readonly sessionTimeoutMs: number
}

/** Where settings come from. */
export interface ConfigSources {
  readonly env: Readonly<Record<string, string | undefined>>
  /** The running stack's URLs, asked only for what the environment leaves open; undefined when none runs. */
  readonly stackUrls: () => Promise<StackUrls | undefined>
}

const hostAndPort = /^(\[[0-9a-fA-F:]+\]|[^\s:,/]+):([0-9]{1,5})$/

const addressList = (text: string, context: z.RefinementCtx): string[] => {
  const addresses = text.split(',').map(address => address.trim())
  const wrong = addresses.filter(address => {
    const port = Number(hostAndPort.exec(address)?.[2])
    return !(port >= 1 && port <= 65_535)
  })
  if (wrong.length > 0) {
    context.addIssue(`"${wrong.join(', ')}" is not host:port (several are separated by commas)`)
  }
  return addresses
}

const urlOf = (...protocols: readonly string[]): z.ZodType<string> =>
  z
    .string()
    .refine(
      text => URL.canParse(text) && protocols.includes(new URL(text).protocol),
      `is not a URL beginning with ${protocols.map(protocol => `${protocol}//`).join(' or ')}`,
    )

/** Digits only: no sign, no fraction, no unit. */
const milliseconds = (least: number): z.ZodType<number> =>
  z
    .string()
    .refine(
      text => /^[0-9]{1,9}$/.test(text) && Number(text) >= least,
      `is not a number of milliseconds (${least} or more)`,
    )
    .transform(Number)

const withoutSlash = (text: string): string => text.replace(/\/+$/, '')

/** A setting's variable, how it is checked, and where its value comes from when nobody has set it: the stack, or a default. */
type Setting = { readonly variable: string; readonly schema: z.ZodType } & (
  { readonly inStack: (urls: StackUrls) => string } | { readonly fallback: string }
)

const settings = {
  apiUrl: {
    variable: 'SLUICE_API_URL',
    schema: urlOf('http:', 'https:').transform(withoutSlash),
    inStack: (urls: StackUrls) => urls.api,
  },
  apiPort: {
    variable: 'SLUICE_API_PORT',
    schema: z
      .string()
      .refine(text => /^[0-9]+$/.test(text) && Number(text) <= 65_535, 'is not a port (0 to 65535)')
      .transform(Number),
    inStack: (urls: StackUrls) => new URL(urls.api).port,
  },
  postgresUrl: {
    variable: 'SLUICE_POSTGRES_URL',
    schema: urlOf('postgres:', 'postgresql:'),
    inStack: (urls: StackUrls) => urls.postgres,
  },
  kafkaBrokers: {
    variable: 'SLUICE_KAFKA',
    schema: z.string().transform(addressList),
    inStack: (urls: StackUrls) => urls.kafka,
  },
  cassandraContactPoints: {
    variable: 'SLUICE_CASSANDRA',
    schema: z.string().transform(addressList),
    inStack: (urls: StackUrls) => urls.cassandra,
  },
  cassandraDatacenter: {
    variable: 'SLUICE_CASSANDRA_DATACENTER',
    schema: z.string(),
    inStack: (urls: StackUrls) => urls.datacenter,
  },
  registryUrl: {
    variable: 'SLUICE_REGISTRY_URL',
    schema: urlOf('http:', 'https:').transform(withoutSlash),
    inStack: (urls: StackUrls) => urls.registry,
  },
  keyspace: {
    variable: 'SLUICE_KEYSPACE',
    schema: z
      .string()
      .regex(
        /^[a-z][a-z0-9_]{0,47}$/,
        'is not a keyspace name (a small letter, then small letters, digits, _; at most 48)',
      ),
    inStack: (urls: StackUrls) => urls.keyspace,
  },
  sessionTimeoutMs: {
    variable: 'SLUICE_SESSION_TIMEOUT_MS',
    schema: milliseconds(1_000),
    fallback: '6000',
  },
} satisfies Record<keyof Config, Setting>

const isOpenToStack = (setting: Setting): boolean => 'inStack' in setting

const unset = (setting: Setting, urls: StackUrls | undefined): string | undefined =>
  'fallback' in setting ? setting.fallback : urls === undefined ? undefined : setting.inStack(urls)

/** The environment variable of each setting. */
export const variableOf = (name: keyof Config): string => settings[name].variable

/**
 * The settings a command needs: from the environment, else from the running stack. Every value that is set is checked,
 * needed or not, and all faults are listed at once.
 *
 * Rejects with `SLUICE_CONFIG_INVALID` for wrong values and `SLUICE_CONFIG_MISSING` for needed ones that nobody gave.
 *
 * @example const { postgresUrl } = await loadConfig(['postgresUrl'], { env: process.env, stackUrls })
 */
export const loadConfig = async <N extends keyof Config>(
  needs: readonly N[],
  sources: ConfigSources,
): Promise<Pick<Config, N>> => {
  const given = (name: keyof Config): string | undefined =>
    sources.env[settings[name].variable]?.trim() || undefined
  const isOpen = needs.some(name => isOpenToStack(settings[name]) && given(name) === undefined)
  const urls = isOpen ? await sources.stackUrls() : undefined

  const values: Partial<Record<keyof Config, unknown>> = {}
  const wrong: string[] = []
  const missing: string[] = []
  for (const name of Object.keys(settings) as (keyof Config)[]) {
    const setting = settings[name]
    const isNeeded = (needs as readonly string[]).includes(name)
    const text = given(name) ?? (isNeeded || isOpenToStack(setting) ? unset(setting, urls) : undefined)
    if (text === undefined) {
      if (isNeeded) missing.push(setting.variable)
      continue
    }
    const parsed = setting.schema.safeParse(text)
    if (parsed.success) values[name] = parsed.data
    else wrong.push(`${setting.variable}: ${parsed.error.issues.map(issue => issue.message).join('; ')}`)
  }
  if (wrong.length > 0) throw invalid(wrong)
  if (missing.length > 0) throw lacking(missing)
  return values as Pick<Config, N>
}

const invalid = (wrong: readonly string[]): SluiceError =>
  new SluiceError({
    code: 'SLUICE_CONFIG_INVALID',
    message: `${wrong.length === 1 ? 'a setting is' : `${wrong.length} settings are`} wrong:\n    ${wrong.join('\n    ')}`,
    remedy: 'correct them in the environment or in .env (.env.example shows each)',
    details: { wrong },
  })

const lacking = (missing: readonly string[]): SluiceError =>
  new SluiceError({
    code: 'SLUICE_CONFIG_MISSING',
    message: `not set, and no stack is running to ask: ${missing.join(', ')}`,
    remedy: 'start the servers with `sluice stack up`, or set the variables (.env.example shows each)',
    details: { missing },
  })
