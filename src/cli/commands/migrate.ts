import type { Command } from 'commander'
import { parseCount } from '../arguments.ts'
import { createCommand } from '../command.ts'
import { printResult } from '../print.ts'

/** `sluice migrate`. */
export const migrateCommand = (): Command =>
  createCommand('migrate', {
    description:
      'Creates what is missing: tables in Postgres and Cassandra, topics, schemas. Safe to repeat.',
    example: `
$ sluice migrate
postgres   2 migrations applied, 0 were there
cassandra  keyspace sluice is there
kafka      7 topics are there
registry   12 schemas are registered`,
  })
    .option(
      '--replication <copies>',
      'copies of every row and record; 3 where one node may fail',
      parseCount,
      1,
    )
    .action(async (options: { json?: boolean; replication: number }) => {
      const { migrate, renderMigration } = await import('../migrate.ts')
      printResult(options, await migrate(options.replication), renderMigration)
    })
