import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { strFromU8, unzipSync } from 'fflate'

/** Where an installed Maven may be looked for. */
export interface MavenEnvironment {
  readonly PATH?: string | undefined
  readonly MAVEN_HOME?: string | undefined
}

const superPom = 'org/apache/maven/model/pom-4.0.0.xml'

/** The address of the repository `central` in a POM. */
export const centralIn = (pom: string): string | undefined => {
  for (const [, repository = ''] of pom.matchAll(/<repository>([\s\S]*?)<\/repository>/g)) {
    if (/<id>\s*central\s*<\/id>/.test(repository)) return /<url>\s*(.*?)\s*<\/url>/.exec(repository)?.[1]
  }
  return undefined
}

const libraryFolders = ({ PATH = '', MAVEN_HOME = '' }: MavenEnvironment): string[] => [
  ...(MAVEN_HOME === '' ? [] : [join(MAVEN_HOME, 'lib')]),
  ...PATH.split(delimiter)
    .map(folder => join(folder, 'mvn'))
    .filter(program => existsSync(program))
    .map(program => join(dirname(dirname(realpathSync(program))), 'lib')),
]

/**
 * Maven Central's address as the installed Maven knows it: from the POM that all others inherit. Undefined without a Maven.
 *
 * @example centralOf(process.env)
 */
export const centralOf = (environment: MavenEnvironment): string | undefined => {
  for (const folder of libraryFolders(environment).filter(existsSync)) {
    const name = readdirSync(folder).find(file => /^maven-model-builder-.*\.jar$/.test(file))
    if (name === undefined) continue
    const entries = unzipSync(readFileSync(join(folder, name)), { filter: entry => entry.name === superPom })
    const pom = entries[superPom]
    const url = pom === undefined ? undefined : centralIn(strFromU8(pom))
    if (url !== undefined) return url
  }
  return undefined
}
