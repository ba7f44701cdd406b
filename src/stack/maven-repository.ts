import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Maven's own default, used where nothing else is configured. */
const central = 'https://central.example/maven2'

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

/**
 * Base URL from which the servers' files are fetched: SLUICE_MAVEN_BASE_URL, else the mirror
 * in the user's Maven settings, else Maven Central.
 */
export const mavenBaseUrl = (
  environment: { readonly SLUICE_MAVEN_BASE_URL?: string | undefined },
  settingsFile: string = join(homedir(), '.m2', 'settings.xml'),
): string => {
  const given = environment.SLUICE_MAVEN_BASE_URL
  if (given !== undefined && given !== '') return given.replace(/\/+$/, '')
  try {
    return (mirrorIn(readFileSync(settingsFile, 'utf8')) ?? central).replace(/\/+$/, '')
  } catch {
    return central
  }
}
