import type { Command } from 'commander'
import { parseCount } from '../arguments.ts'
import { createCommand } from '../command.ts'
import { printResult } from '../print.ts'

/** `sluice check`. */
export const checkCommand = (): Command =>
  createCommand('check', {
    description:
      'Reads Postgres, Cassandra and the log with clients of its own, and says whether they agree.',
    example: `
$ sluice check --wait 60
    what must hold                              compared  result
I1  adjustments = available + reserved + sold        200  ok
…
all hold (4.1 s)`,
  })
    .option('--wait <seconds>', 'first wait until the flow is quiet, at most so long', parseCount)
    .action(async (options: { json?: boolean; wait?: number }) => {
      const { checkSystem } = await import('../check-system.ts')
      const { renderCheck } = await import('../../check/render.ts')
      const report = await checkSystem(options)
      printResult(options, report, renderCheck)
      if (!report.ok) process.exitCode = 1
    })
