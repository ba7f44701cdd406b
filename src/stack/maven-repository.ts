import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { SluiceError } from '../core/errors.ts'
import { centralOf, type MavenEnvironment } from './maven-home.ts'

/** The address of the mirror of Maven Central in a settings.xml, if it has one without variables in it. */
export const mirrorIn = (settingsXml: string): string | undefined => {
  const active = settingsXml.replaceAll(/<!--[\s\S]*?-->/g, '')
  for (const [, mirror = ''] of active.matchAll(/<mirror>([\s\S]*?)<\/mirror>/g)) {
    const of = /<mirrorOf>\s*(.*?)\s*<\/mirrorOf>/.exec(mirror)?.[1]?.split(/\s*,\s*/) ?? []
    const url = /<url>\s*(.*?)\s*<\/url>/.exec(mirror)?.[1]
    const covers =
      of.some(id => id === '*' || id === 'central' || id === 'external:*') && !of.includes('!central')
    if (covers && url !== undefined && !url.includes('$')) return url
  }
  return undefined
}

const readIfThere = (file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/**
 * Base URL from which the servers' files are fetched: SLUICE_MAVEN_BASE_URL, else the mirror in the user's Maven settings, else
 * Maven Central as the installed Maven knows it. Errors: SLUICE_STACK_NO_REPOSITORY.
 */
export const mavenBaseUrl = (
  environment: MavenEnvironment & { readonly SLUICE_MAVEN_BASE_URL?: string | undefined },
  settingsFile: string = join(homedir(), '.m2', 'settings.xml'),
): string => {
  const given = environment.SLUICE_MAVEN_BASE_URL
  const url =
    given !== undefined && given !== ''
      ? given
      : (mirrorIn(readIfThere(settingsFile)) ?? centralOf(environment))
  if (url === undefined) {
    throw new SluiceError({
      code: 'SLUICE_STACK_NO_REPOSITORY',
      message: 'no Maven is installed that could say where the servers can be fetched from',
      remedy:
        'install Maven, or set SLUICE_MAVEN_BASE_URL to the address of Maven Central or of a mirror of it',
    })
  }
  return url.replace(/\/+$/, '')
}
