import { expect, it } from 'vitest'
import { renderDown, renderStackProgress, renderStackStatus, renderUp } from '../../src/cli/render-stack.ts'
import { createStackReport } from '../../src/cli/stack-report.ts'
import { layoutOf } from '../../src/stack/layout.ts'
import { portsFrom } from '../../src/stack/ports.ts'
import { urlsOf } from '../../src/stack/state.ts'

const layout = layoutOf('default', { SLUICE_CACHE_DIR: '/big' }, false)
const other = layoutOf('try', { SLUICE_CACHE_DIR: '/big' }, false)
const urls = urlsOf({ format: 1, ports: portsFrom(20_000), kafkaClusterId: 'x', keyspace: 'sluice' })

it('says what stack up is doing', () => {
  const fetching = { kind: 'fetching', doneBytes: 50_000_000, totalBytes: 200_000_000 } as const
  expect(renderStackProgress(fetching)).toBe('fetching the servers: 50 MB of 200 MB, 25 %')
  expect(renderStackProgress({ kind: 'ready', server: 'registry', afterMs: 8_700 })).toBe(
    'schema registry is ready after 8.7 s',
  )
  expect(renderStackProgress({ kind: 'waiting', for: 'stack', pid: 7 })).toContain('process 7')
})

it('tells a start from a stack that runs already, and where it is', () => {
  expect(renderUp(layout, { urls, started: [] })).toContain("'default' is running already")
  const text = renderUp(other, { urls, started: ['kafka', 'registry'] })
  expect(text).toContain('started: Kafka, schema registry')
  expect(text).toContain('postgres://sluice:sluice@127.0.0.1:20001/sluice')
  expect(text).toContain('./bin/sluice stack down --name try')
})

it('says how to start what does not run', () => {
  expect(renderStackStatus(other, undefined)).toContain('./bin/sluice stack up --name try')
  const server = { name: 'kafka', state: 'stopped', pid: undefined, port: 20_002, logFile: '/l' } as const
  const text = renderStackStatus(layout, { urls, servers: [server], running: false })
  expect(text).toMatch(/Kafka +stopped +20002 +- +\/l/)
  expect(text).toContain('./bin/sluice stack up')
})

it('says whether data is kept', () => {
  expect(renderDown(layout, [], false)).toContain('was not running')
  expect(renderDown(layout, ['kafka'], true)).toContain('deleted')
})

it('writes every step but fetching in a line of its own', () => {
  let text = ''
  const { report, end } = createStackReport({ write: piece => (text += piece) })
  for (const doneBytes of [1e6, 2e6, 3e6]) report({ kind: 'fetching', doneBytes, totalBytes: 3e6 })
  report({ kind: 'starting', servers: ['kafka'] })
  end()
  expect(text).toBe(
    'fetching the servers: 1 MB of 3 MB, 33 %\nfetching the servers: 3 MB of 3 MB, 100 %\nstarting Kafka\n',
  )
})
