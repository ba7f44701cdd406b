import { existsSync, statSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { avro, type AvroType } from '../../codec/avro.ts'
import { defaultLimits } from '../../codec/limits.ts'
import { parseSchema } from '../../codec/schema.ts'
import { messageOf, SluiceError } from '../../core/errors.ts'
import { avroTypesOf } from '../../streams/engine/avro-types.ts'
import { selectTopologies } from '../select-topologies.ts'

const extension = '.avsc'

/** The schemas that the topologies write and read, changelogs and repartition topics included, each subject once. */
export const declaredSchemas = (): readonly AvroType<unknown>[] => {
  const bySubject = new Map(
    selectTopologies([])
      .flatMap(avroTypesOf)
      .map(type => [type.subject, type]),
  )
  return [...bySubject.values()].toSorted((left, right) => (left.subject < right.subject ? -1 : 1))
}

/** Those of the subjects named, all when none is. Errors: `SLUICE_CLI_USAGE` for a subject that no topology has. */
export const selectSubjects = (subjects: readonly string[]): readonly AvroType<unknown>[] => {
  const declared = declaredSchemas()
  if (subjects.length === 0) return declared
  return subjects.map(subject => {
    const found = declared.find(type => type.subject === subject)
    if (found !== undefined) return found
    throw new SluiceError({
      code: 'SLUICE_CLI_USAGE',
      message: `there is neither a file nor a subject "${subject}"`,
      remedy: `name one of: ${declared.map(type => type.subject).join(', ')}`,
    })
  })
}

/**
 * The schemas meant on a command line: files, folders of files, subjects; those of the topologies when nothing is named. A file
 * `<topic>.avsc` belongs to the subject `<topic>-value`. Errors: `SLUICE_CLI_USAGE`, `SLUICE_CODEC_SCHEMA_REFUSED`.
 */
export const selectSchemas = async (places: readonly string[]): Promise<readonly AvroType<unknown>[]> => {
  if (places.length === 0) return declaredSchemas()
  const selected = await Promise.all(
    places.map(async place => (existsSync(place) ? readSchemas(place) : selectSubjects([place]))),
  )
  return selected.flat()
}

/** All of a folder, or the one of a file. Errors as of `selectSchemas`. */
export const readSchemas = async (place: string): Promise<readonly AvroType<unknown>[]> => {
  if (!existsSync(place)) throw noSchemas(place, 'it does not exist')
  if (!statSync(place).isDirectory()) return [await readSchema(place)]
  const names = (await readdir(place)).filter(name => name.endsWith(extension)).toSorted()
  if (names.length === 0) throw noSchemas(place, `it holds no ${extension} files`)
  return Promise.all(names.map(name => readSchema(join(place, name))))
}

const readSchema = async (path: string): Promise<AvroType<unknown>> => {
  if (!path.endsWith(extension)) throw noSchemas(path, `schemas are in <topic>${extension} files`)
  try {
    const schema = JSON.stringify(JSON.parse(await readFile(path, 'utf8')))
    parseSchema(schema, defaultLimits)
    return avro(`${basename(path, extension)}-value`, schema)
  } catch (error) {
    throw new SluiceError({
      code: 'SLUICE_CODEC_SCHEMA_REFUSED',
      message: `${path}: ${messageOf(error)}`,
      remedy: 'correct the file; docs/schemas.md says what is refused',
      details: { path },
      cause: error,
    })
  }
}

const noSchemas = (place: string, why: string): SluiceError =>
  new SluiceError({
    code: 'SLUICE_CLI_USAGE',
    message: `${place} cannot be taken for schemas: ${why}`,
    remedy: `name a <topic>${extension} file, a folder of them, or a subject`,
    details: { place },
  })
