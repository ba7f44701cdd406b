import type { Command } from 'commander'
import { parseCount, parsePort } from '../arguments.ts'
import { createCommand } from '../command.ts'
import type { ServeFlags } from '../serve.ts'

/** `sluice serve`. */
export const serveCommand = (): Command =>
  createCommand('serve', {
    description: 'Runs the order service (HTTP) and the reaper, until SIGTERM.',
    example: `
$ sluice serve --port 3000
{"level":30,"time":1764000000000,"name":"serve","url":"http://127.0.0.1:3000","msg":"the order service is listening"}
# then: http://127.0.0.1:3000/docs`,
  })
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port to listen on (default: SLUICE_API_PORT, or the stack’s)', parsePort)
    .option(
      '--roll-at <rows>',
      'rows at which a SKU’s stock goes on in a new generation (default: 50,000)',
      parseCount,
    )
    .option(
      '--key-lease <seconds>',
      'how long a request holds its Idempotency-Key before a repeat takes it over (default: 30)',
      parseCount,
    )
    .option(
      '--reap-after <seconds>',
      'age at which the reaper takes a request for dead (default: 60); a third of it is all the time a request ' +
        'has before it reserves, and another third to reserve, up to 20 and 8 seconds',
      parseCount,
    )
    .action(async (options: ServeFlags) => {
      const { serve } = await import('../serve.ts')
      await serve(options)
    })
