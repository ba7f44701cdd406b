import { createHash } from 'node:crypto'
import { createServer } from 'node:net'

import { SluiceError } from '../core/errors.ts'
import type { StackPorts } from './types.ts'

/** Ports that one stack takes in a row; the upper half is room for the further nodes of a bigger stack. */
export const portsPerStack = 20

/** Below the range from which Linux takes ports of outgoing connections. */
const firstPort = 20_000
const blocks = 600

/** The ports of a stack whose first one is `base`. */
export const portsFrom = (base: number): StackPorts => ({
  api: base,
  postgres: base + 1,
  kafka: base + 2,
  kafkaController: base + 3,
  cassandra: base + 4,
  cassandraStorage: base + 5,
  registry: base + 6,
})

/** Whether a server could listen on this port of loopback now. */
export const isFree = (port: number): Promise<boolean> =>
  new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)))
  })

const areFree = async (ports: StackPorts): Promise<boolean> => {
  for (const port of Object.values(ports) as number[]) if (!(await isFree(port))) return false
  return true
}

/**
 * Free ports for a new stack, none of the `taken` first ports of stacks that may be down now. The search begins at a
 * place that depends on `seed`, so that stacks chosen at the same moment do not meet.
 */
export const choosePorts = async (seed: string, taken: ReadonlySet<number>): Promise<StackPorts> => {
  const start = createHash('sha256').update(seed).digest().readUInt32BE(0) % blocks
  for (let step = 0; step < blocks; step++) {
    const ports = portsFrom(firstPort + ((start + step) % blocks) * portsPerStack)
    if (!taken.has(ports.api) && (await areFree(ports))) return ports
  }
  throw new SluiceError({
    code: 'SLUICE_STACK_NO_PORTS',
    message: `no ${portsPerStack} free ports in a row between ${firstPort} and ${firstPort + blocks * portsPerStack}`,
    remedy: 'give the first port of a free range: ./bin/sluice stack up --port-base N',
  })
}
