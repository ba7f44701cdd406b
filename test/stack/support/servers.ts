import type { StackServer } from '../../../src/stack/servers/server.ts'
import { exchange } from '../../../src/stack/servers/exchange.ts'
import type { ServerName, StackPorts } from '../../../src/stack/types.ts'

/** What a small server does with its life. */
export type Conduct = 'serves' | 'dies' | 'stays-silent'

const programs: Readonly<Record<Conduct, (port: number) => string>> = {
  serves: port =>
    `require('net').createServer(socket => socket.on('error', () => {}).end('hello')).listen(${port}, '127.0.0.1')`,
  dies: () => `console.log('cannot read my settings'); process.exit(3)`,
  'stays-silent': () => `console.log('thinking'); setInterval(() => {}, 1000)`,
}

/** A real process that starts in no time, for the way `up` and `down` treat their servers. */
export const smallServer = (name: ServerName, conduct: Conduct): StackServer => {
  const port = (ports: StackPorts): number => ports[name]
  return {
    name,
    port,
    listensOn: ports => [port(ports)],
    prepare: () => Promise.resolve(),
    launch: ({ ports, layout }) => ({
      program: process.execPath,
      arguments: ['-e', programs[conduct](port(ports))],
      workingFolder: layout.home,
    }),
    isReady: async ports => (await exchange(port(ports), Buffer.from('?'))).toString() === 'hello',
    stop: { signal: 'SIGTERM', patienceMs: 5_000 },
  }
}
