import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { formatLsn } from '../../src/cdc/lsn.ts'
import { positionText } from '../../src/cdc/position.ts'
import { diffVersions } from '../../src/cli/diff-topologies.ts'
import { describeTopologies } from '../../src/cli/describe-topologies.ts'
import { renderError } from '../../src/cli/print.ts'
import { pruningOf } from '../../src/cli/relay.ts'
import { createProgram, runCli } from '../../src/cli/program.ts'
import { SluiceError } from '../../src/core/errors.ts'

const run = async (...args: readonly string[]): Promise<{ exitCode: number; out: string; err: string }> => {
  let out = ''
  let err = ''
  const exitCode = await runCli(args, {
    out: text => {
      out += text
    },
    err: text => {
      err += text
    },
  })
  return { exitCode, out, err }
}

const rootOf = (command: Command): Command => (command.parent === null ? command : rootOf(command.parent))

/** Every command that does something, with its whole name. */
const leaves = (command: Command, path: readonly string[] = []): { name: string; command: Command }[] =>
  command.commands.flatMap(child => {
    const name = [...path, child.name()]
    const deeper = leaves(child, name)
    return child.commands.length === 0 || child.name() === 'relay'
      ? [{ name: name.join(' '), command: child }, ...deeper]
      : deeper
  })

describe('every command', () => {
  const commands = leaves(createProgram())

  test('is there', () => {
    expect(commands.map(({ name }) => name).sort()).toEqual(
      [
        'check',
        'demo',
        'dlq drop',
        'dlq list',
        'dlq retry',
        'dlq show',
        'lag',
        'migrate',
        'orders get',
        'orders import',
        'orders place',
        'orders trace',
        'relay',
        'relay resync',
        'replay compare',
        'replay drop',
        'replay list',
        'replay run',
        'replay switch',
        'run',
        'schemas check',
        'schemas list',
        'schemas register',
        'serve',
        'stack down',
        'stack logs',
        'stack status',
        'stack up',
        'state get',
        'state list',
        'state scan',
        'stock adjust',
        'stock get',
        'topics list',
        'topics tail',
        'topology describe',
        'topology diff',
        'topology lint',
      ].sort(),
    )
  })

  test.each(commands)('$name has --json and a worked example', async ({ name, command }) => {
    expect(command.options.map(option => option.long)).toContain('--json')
    const { exitCode, out } = await run(...name.split(' '), '--help')
    expect(exitCode).toBe(0)
    expect(out).toContain('Example:')
    expect(out).toMatch(new RegExp(`sluice ${name.split(' ')[0]}`))
  })
})

describe('--json', () => {
  test.each(leaves(createProgram()))('reaches $name', async ({ name, command }) => {
    let options: { json?: boolean } = {}
    command.action(() => {
      options = command.opts()
    })
    const needed = command.registeredArguments.filter(({ required }) => required).map(() => '1')
    const demanded: Record<string, string[]> = {
      'orders place': ['--customer', '1'],
      'dlq drop': ['--reason', '1'],
    }
    const root = rootOf(command)
    await root.parseAsync([...name.split(' '), ...needed, ...(demanded[name] ?? []), '--json'], {
      from: 'user',
    })
    expect(options.json).toBe(true)
  })

  test('shows positions of the log as Postgres prints them', () => {
    const position = {
      phase: 'stream',
      owner: 'o',
      systemId: '7',
      timeline: 1,
      slot: 's',
      index: -1,
      commitLsn: 0x1_0000_00ffn,
      confirmedLsn: 16n,
      lastCommitLsn: null,
    } as const
    expect(JSON.parse(JSON.stringify(positionText(position)))).toEqual({
      ...position,
      commitLsn: formatLsn(position.commitLsn),
      confirmedLsn: formatLsn(position.confirmedLsn),
    })
  })
})

describe('wrong use', () => {
  test.each([
    [['nonsense'], /unknown command/],
    [['orders', 'place', '--customer', '1'], /missing required argument/],
    [['orders', 'import', 'x.csv', '--limit', '0'], /whole number of at least 1/],
    [['serve', '--port', '70000'], /a port from 0 .* to 65535 is wanted/],
    [['serve', '--port', 'http'], /a port from 0 .* to 65535 is wanted/],
    [['relay', '--prune-after', '1h'], /whole number of at least 1/],
    [['orders', 'place', 'A:1', '--customer', '1'], /SKU:QUANTITY:PRICE/],
    [['topics', 'tail', 'x', '--from', 'yesterday'], /"yesterday" is no place to begin at/],
    [['state', 'get', 'orders', 'none', 'k'], /no store "none"[^]*stock-ledger/],
    [['state', 'get', 'orders', 'stock-ledger', 'k', '--partition', '-1'], /number of a partition/],
    [['topology', 'diff', 'none'], /neither a file nor a topology "none"/],
    [['topology', 'diff', 'package.json'], /package.json is no description of topologies/],
    [['schemas', 'check', 'none-value'], /neither a file nor a subject "none-value"/],
    [['schemas', 'check', 'package.json'], /package.json cannot be taken for schemas/],
    [['schemas', 'check', '--against', 'none'], /none cannot be taken for schemas: it does not exist/],
    [['schemas', 'check', '--against', 'docs'], /docs cannot be taken for schemas: it holds no .avsc files/],
    [['schemas', 'register', 'none-value'], /neither a file nor a subject "none-value"/],
    [['topology', 'lint', 'none'], /there is no topology "none"/],
    [['topology', 'describe', 'none'], /there is no topology "none"/],
    [['topology', 'describe', '--format', 'png'], /Allowed choices are kafka, json, mermaid, dot, svg/],
  ])('%j ends with 2 and says why', async (args, message) => {
    const { exitCode, err } = await run(...args)
    expect(err).toMatch(message)
    expect(exitCode).toBe(2)
  })
})

test('workers that were given no identity have one each', () => {
  const run = createProgram().commands.find(command => command.name() === 'run')
  expect(run?.opts()['instance']).toBe(`${hostname()}-${process.pid}`)
})

test('a relay prunes only when it is told to', () => {
  expect(pruningOf({})).toEqual({})
  expect(pruningOf({ pruneAfter: 60 })).toEqual({ pruneAfterMs: 60_000 })
})

describe('topology describe', () => {
  test('gives all topologies as JSON, one or many alike', () => {
    const namesOf = (text: string): string[] =>
      (JSON.parse(text) as { topologies: { name: string }[] }).topologies.map(({ name }) => name)
    expect(namesOf(describeTopologies([], 'json'))).toEqual(['orders', 'materializer', 'settlement'])
    expect(namesOf(describeTopologies(['settlement'], 'json'))).toEqual(['settlement'])
  })

  test.each([
    ['kafka', /^Topologies:\n {3}Sub-topology: 0\n/],
    ['mermaid', /^flowchart TD\n/],
    ['dot', /^digraph "orders" \{\n/],
    ['svg', /^<svg [^]*<\/svg>\n$/],
  ] as const)('gives one as %s', (format, shape) => {
    expect(describeTopologies(['orders'], format)).toMatch(shape)
  })

  test('says whose text is whose when there are several', () => {
    expect(describeTopologies([], 'kafka').match(/^# .*$/gm)).toEqual([
      '# orders',
      '# materializer',
      '# settlement',
    ])
  })
})

describe('topology diff', () => {
  test('takes a file and a name, and ends with 1 when something has to be done first', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-diff-'))
    const file = join(folder, 'v1.json')
    try {
      await writeFile(file, describeTopologies([], 'json'))
      const [diff, ...others] = await diffVersions(file, 'orders')
      expect(others).toEqual([])
      expect(diff).toMatchObject({ from: 'orders', to: 'orders', compatible: true })
      expect(await diffVersions(file, undefined)).toHaveLength(3)

      await writeFile(file, describeTopologies(['orders'], 'json').replaceAll('order-gathering', 'gathered'))
      expect((await diffVersions(file, undefined)).map(({ compatible }) => compatible)).toEqual([false])
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

describe('errors', () => {
  const error = new SluiceError({
    code: 'SLUICE_A_B',
    message: 'it broke',
    remedy: 'mend it',
    details: { sku: 'A' },
  })

  test('say what happened, what to do, and the code', () => {
    expect(renderError(error, false)).toBe(
      'sluice: it broke\n  what to do: mend it\n  code: SLUICE_A_B (docs/errors.md)\n',
    )
  })

  test('are JSON when asked', () => {
    expect(JSON.parse(renderError(error, true))).toEqual({
      error: { code: 'SLUICE_A_B', message: 'it broke', remedy: 'mend it', details: { sku: 'A' } },
    })
  })
})
