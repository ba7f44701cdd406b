import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { parseSince } from '../../src/cli/arguments.ts'
import { confirm } from '../../src/cli/confirm.ts'
import { renderSettled } from '../../src/cli/render-dlq.ts'
import { runCli } from '../../src/cli/program.ts'

describe('since', () => {
  it.each([
    ['90s', 910_000],
    ['15m', 100_000],
    ['1970-01-01T00:00:01Z', 1_000],
  ])('%s is understood', (text, atMs) => {
    expect(parseSince(text, 1_000_000)).toBe(atMs)
  })
  it.each(['', 'yesterday', '5', '2x', '2026-13-45'])('%j is not', text => {
    expect(() => parseSince(text, 0)).toThrow(/ago, is wanted/)
  })
})

describe('dropping several', () => {
  const asked = async (answer: string, isTTY = true): Promise<void> => {
    const input = Object.assign(new PassThrough(), { isTTY })
    input.end(`${answer}\n`)
    await confirm({ what: 'drop 7 letters', typed: '7', input, output: new PassThrough() })
  }
  it('goes on when the number is typed', async () => {
    await expect(asked('7')).resolves.toBeUndefined()
  })
  it('does nothing when anything else is, or nobody can type', async () => {
    await expect(asked('y')).rejects.toMatchObject({ code: 'SLUICE_CLI_NOT_CONFIRMED' })
    await expect(asked('7', false)).rejects.toThrow(/nobody can be asked whether to drop 7 letters/)
  })
})

it.each([
  [['retry'], 'no letter is given'],
  [['retry', 'orders-dlq/0/1', '--step', 'x'], 'both ids and filters'],
  [['drop', 'orders-dlq/0/1', '--all-matching', '--reason', 'x'], 'both ids and filters'],
  [['drop', 'orders-dlq/0/1'], "required option '--reason <why>'"],
])('dlq %j ends with 2 and says why', async (args, message) => {
  let err = ''
  const terminal = { out: () => {}, err: (text: string) => void (err += text) }
  expect(await runCli(['dlq', ...args], terminal)).toBe(2)
  expect(err).toContain(message)
})

it('what was done is told with what was not', () => {
  const refused = [{ id: 'a', code: 'SLUICE_DLQ_NOT_RETRIABLE', message: 'a cannot be retried' }]
  expect(renderSettled('retried', { done: ['b'], refused })).toBe(
    '1 letter retried\nnot: a cannot be retried (SLUICE_DLQ_NOT_RETRIABLE)',
  )
  expect(renderSettled('dropped', { done: [], refused: [] })).toBe('no open letter matches')
})
