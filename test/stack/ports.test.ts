import { createServer } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { choosePorts, isFree, portsFrom, portsPerStack } from '../../src/stack/ports.ts'

const occupy = async (port: number): Promise<void> => {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
}

it('gives every server its own port within the block', () => {
  const ports = Object.values(portsFrom(30_000))
  expect(new Set(ports).size).toBe(ports.length)
  for (const port of ports) {
    expect(port).toBeGreaterThanOrEqual(30_000)
    expect(port).toBeLessThan(30_000 + portsPerStack / 2)
  }
})

it('passes over blocks of which a port is in use, and those of other stacks', async () => {
  const first = await choosePorts('some seed', new Set())
  expect(await choosePorts('some seed', new Set())).toEqual(first)
  const second = await choosePorts('some seed', new Set([first.api]))
  expect(second).not.toEqual(first)
  await occupy(first.registry)
  expect(await isFree(first.registry)).toBe(false)
  expect(await choosePorts('some seed', new Set())).toEqual(second)
})
