import type { Command } from 'commander'
import { createCommand, createGroup } from '../command.ts'
import { printResult } from '../print.ts'

/** `sluice schemas check | register | list`. */
export const schemasCommand = (): Command =>
  createGroup('schemas', 'Compares, registers and lists the Avro schemas of topics and stores.', [
    checkCommand(),
    registerCommand(),
    listCommand(),
  ])

interface CheckOptions {
  readonly json?: boolean
  readonly against: readonly string[]
}

const checkCommand = (): Command =>
  createCommand('check [place...]', {
    description:
      'Compares schemas with every registered version of their subjects, in both directions, and registers nothing. ' +
      'A place is a <topic>.avsc file, a folder of them, or a subject; without one, all that the topologies use are meant. ' +
      'Exit code 1: something is incompatible.',
    example: `
$ sluice schemas check
order-created-value  incompatible
  default: field \`lines[].taxMinor\` was added without a default: values of versions 1 and 2 cannot be read with the new schema
    -> give \`lines[].taxMinor\` a default, or its old name as an alias where it was renamed
stock-update-value   equal to version 1 (id 6)
…
$ git worktree add ../v1 v1.0                            # in CI, without a server:
$ sluice schemas check schemas --against ../v1/schemas`,
  })
    .option(
      '--against <folder>',
      'compare with the .avsc files of a former release instead of a registry; repeat it for several, oldest first',
      (folder: string, folders: readonly string[]) => [...folders, folder],
      [],
    )
    .action(async (places: string[], options: CheckOptions) => {
      const { checkSchemas } = await import('../schemas/check-schemas.ts')
      const { renderReviews } = await import('../schemas/render-schemas.ts')
      const reviews = await checkSchemas(places, options.against)
      printResult(options, reviews, result => renderReviews(result, options.against))
      if (reviews.some(({ verdict }) => verdict === 'incompatible')) process.exitCode = 1
    })

const registerCommand = (): Command =>
  createCommand('register [subject...]', {
    description:
      'Registers the schemas that the topologies use, of all subjects or of those named, and sets the level FULL_TRANSITIVE. ' +
      'What is incompatible is refused, the rest registered. Safe to repeat. Exit code 1: something was refused.',
    example: `
$ sluice schemas register
order-confirmed-value  version 1, id 3 (was there)
order-created-value    version 2, id 14
…`,
  }).action(async (subjects: string[], options: { json?: boolean }) => {
    const { registerSchemas } = await import('../schemas/register-schemas.ts')
    const { renderRegistrations } = await import('../schemas/render-schemas.ts')
    const registrations = await registerSchemas(subjects)
    printResult(options, registrations, renderRegistrations)
    if (registrations.some(({ outcome }) => outcome === 'refused')) process.exitCode = 1
  })

const listCommand = (): Command =>
  createCommand('list', {
    description:
      "Lists the registry's subjects: versions, ids, compatibility, and which version this release writes.",
    example: `
$ sluice schemas list
subject                versions (ids)  compatibility    this release
order-confirmed-value  1 (3)           FULL_TRANSITIVE  1
order-created-value    1 (4), 2 (14)   FULL_TRANSITIVE  2
…`,
  }).action(async (options: { json?: boolean }) => {
    const { listSchemas } = await import('../schemas/list-schemas.ts')
    const { renderSubjects } = await import('../schemas/render-schemas.ts')
    printResult(options, await listSchemas(), renderSubjects)
  })
