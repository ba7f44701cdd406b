import type { Command } from 'commander'
import { parsePort } from '../arguments.ts'
import { createCommand } from '../command.ts'

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
    .action(async (options: { host: string; port?: number }) => {
      const { serve } = await import('../serve.ts')
      await serve(options)
    })
