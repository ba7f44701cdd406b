import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/app/config.ts'
import type { StackUrls } from '../../src/stack/types.ts'

const urls: StackUrls = {
  api: 'http://127.0.0.1:20000',
  postgres: 'postgres://sluice:sluice@127.0.0.1:20001/sluice',
  kafka: '127.0.0.1:20002',
  cassandra: '127.0.0.1:20004',
  datacenter: 'datacenter1',
  registry: 'http://127.0.0.1:20006/apis/ccompat/v7',
  keyspace: 'sluice',
}
const noStack = async (): Promise<undefined> => undefined
const stackUrls = async (): Promise<StackUrls> => urls

const everything = [
  'apiUrl',
  'apiPort',
  'postgresUrl',
  'kafkaBrokers',
  'cassandraContactPoints',
  'cassandraDatacenter',
  'registryUrl',
  'keyspace',
] as const

describe('settings', () => {
  test('what the environment leaves open comes from the running stack', async () => {
    const env = {
      SLUICE_KAFKA: 'one:9092, two:9093',
      SLUICE_API_URL: 'http://shop.example/',
      SLUICE_KEYSPACE: ' ',
    }
    expect(await loadConfig(everything, { env, stackUrls })).toEqual({
      apiUrl: 'http://shop.example',
      apiPort: 20000,
      postgresUrl: urls.postgres,
      kafkaBrokers: ['one:9092', 'two:9093'],
      cassandraContactPoints: ['127.0.0.1:20004'],
      cassandraDatacenter: 'datacenter1',
      registryUrl: urls.registry,
      keyspace: 'sluice',
    })
  })

  test('the stack is not asked when nothing is open', async () => {
    const asked: string[] = []
    const config = await loadConfig(['apiUrl'], {
      env: { SLUICE_API_URL: 'https://shop.example' },
      stackUrls: async () => {
        asked.push('once')
        return urls
      },
    })
    expect(config).toEqual({ apiUrl: 'https://shop.example' })
    expect(asked).toEqual([])
  })

  test('a time has a default that no stack is asked for, and is a number of milliseconds', async () => {
    const load = (text?: string) =>
      loadConfig(['sessionTimeoutMs'], {
        env: text === undefined ? {} : { SLUICE_SESSION_TIMEOUT_MS: text },
        stackUrls: () => Promise.reject(new Error('asked')),
      })
    expect(await load()).toEqual({ sessionTimeoutMs: 6_000 })
    expect(await load('45000')).toEqual({ sessionTimeoutMs: 45_000 })
    for (const wrong of ['6s', '-1', '999', '1e4'])
      await expect(load(wrong)).rejects.toMatchObject({ code: 'SLUICE_CONFIG_INVALID' })
  })

  test('all wrong values are listed at once, needed or not', async () => {
    const env = {
      SLUICE_POSTGRES_URL: 'mysql://x',
      SLUICE_KAFKA: 'one:9092,two',
      SLUICE_CASSANDRA: 'one:0',
      SLUICE_API_PORT: '70000',
      SLUICE_KEYSPACE: 'Sluice; DROP',
      SLUICE_REGISTRY_URL: 'nowhere',
    }
    await expect(loadConfig(['apiUrl'], { env, stackUrls })).rejects.toMatchObject({
      code: 'SLUICE_CONFIG_INVALID',
      details: {
        wrong: [
          expect.stringContaining('SLUICE_API_PORT'),
          expect.stringContaining('SLUICE_POSTGRES_URL'),
          'SLUICE_KAFKA: "two" is not host:port (several are separated by commas)',
          expect.stringContaining('SLUICE_CASSANDRA'),
          expect.stringContaining('SLUICE_REGISTRY_URL'),
          expect.stringContaining('SLUICE_KEYSPACE'),
        ],
      },
    })
  })

  test('all missing ones too, with what to do', async () => {
    await expect(
      loadConfig(['kafkaBrokers', 'registryUrl'], { env: {}, stackUrls: noStack }),
    ).rejects.toMatchObject({
      code: 'SLUICE_CONFIG_MISSING',
      details: { missing: ['SLUICE_KAFKA', 'SLUICE_REGISTRY_URL'] },
      remedy: expect.stringContaining('sluice stack up'),
    })
  })

  test.each(['127.0.0.1:9092', 'broker.example:1', '[::1]:9092'])('%s is an address', async address => {
    const { kafkaBrokers } = await loadConfig(['kafkaBrokers'], {
      env: { SLUICE_KAFKA: address },
      stackUrls: noStack,
    })
    expect(kafkaBrokers).toEqual([address])
  })
})
