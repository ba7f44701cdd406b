import { execFile } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

import { SluiceError } from '../core/errors.ts'

/** Cassandra 5.0 runs on Java 11 and 17, Kafka 4 from 17 on. */
const wantedMajor = 17

const remedy = `install Java ${wantedMajor} (a JRE is enough) and put it on PATH or name its folder in JAVA_HOME`

/**
 * The major version in what `java -version` prints.
 *
 * @example majorVersionIn('openjdk version "17.0.15" 2025-04-15') // 17
 */
export const majorVersionIn = (text: string): number | undefined => {
  const match = /version "(?:1\.)?(\d+)/.exec(text)
  return match?.[1] === undefined ? undefined : Number(match[1])
}

const majorVersionOf = (program: string): Promise<number | undefined> =>
  new Promise(resolve => {
    execFile(program, ['-version'], (_error, stdout, stderr) => resolve(majorVersionIn(stderr + stdout)))
  })

const installedJavas = (folder: string): string[] =>
  existsSync(folder) ? readdirSync(folder).map(entry => join(folder, entry, 'bin', 'java')) : []

/**
 * The first Java 17 of JAVA_HOME, PATH and the folder where Linux distributions install them.
 *
 * Throws SLUICE_STACK_NO_JAVA or SLUICE_STACK_WRONG_JAVA.
 */
export const findJava = async (
  environment: { readonly JAVA_HOME?: string | undefined },
  folder = '/usr/lib/jvm',
  onPath = 'java',
): Promise<string> => {
  const home = environment.JAVA_HOME
  const first = home === undefined || home === '' ? [] : [join(home, 'bin', 'java')]
  const found: string[] = []
  for (const program of [...first, onPath, ...installedJavas(folder)]) {
    const major = await majorVersionOf(program)
    if (major === wantedMajor) return program
    if (major !== undefined) found.push(`${program} (Java ${major})`)
  }
  if (found.length === 0) {
    throw new SluiceError({
      code: 'SLUICE_STACK_NO_JAVA',
      message: `no Java on this machine; Kafka, Cassandra and the schema registry need Java ${wantedMajor}`,
      remedy,
    })
  }
  throw new SluiceError({
    code: 'SLUICE_STACK_WRONG_JAVA',
    message: `Kafka, Cassandra and the schema registry need Java ${wantedMajor}, found only ${found.join(', ')}`,
    remedy,
  })
}
