import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { mavenBaseUrl, mirrorIn } from '../../src/stack/maven-repository.ts'
import { temporaryFolder } from './support/folder.ts'

const settings = (...mirrors: readonly string[]): string =>
  `<settings><mirrors>${mirrors.join('')}</mirrors></settings>`
const mirror = (of: string, url: string): string =>
  `<mirror><id>m</id><mirrorOf>${of}</mirrorOf>\n <url> ${url} </url></mirror>`

describe('mirrorIn', () => {
  it.each(['*', 'central', 'external:*', 'jcenter, central'])('takes a mirror of %s', of => {
    expect(mirrorIn(settings(mirror(of, 'https://mirror.example/maven')))).toBe(
      'https://mirror.example/maven',
    )
  })

  it.each(['other', '*,!central'])('passes over a mirror of %s', of => {
    expect(mirrorIn(settings(mirror(of, 'https://mirror.example/maven')))).toBeUndefined()
  })

  it('passes over what is commented out or needs Maven to be understood', () => {
    const out = `<!-- ${mirror('*', 'https://old.example')} -->`
    const variable = mirror('*', '${env.MIRROR}')
    expect(mirrorIn(settings(out, variable, mirror('*', 'https://new.example')))).toBe('https://new.example')
  })
})

describe('mavenBaseUrl', () => {
  it('prefers the environment, then the settings of Maven, then its default', () => {
    const file = join(temporaryFolder(), 'settings.xml')
    writeFileSync(file, settings(mirror('*', 'https://mirror.example/maven/')))
    expect(mavenBaseUrl({ SLUICE_MAVEN_BASE_URL: 'https://own.example/' }, file)).toBe('https://own.example')
    expect(mavenBaseUrl({ SLUICE_MAVEN_BASE_URL: '' }, file)).toBe('https://mirror.example/maven')
    expect(mavenBaseUrl({}, join(temporaryFolder(), 'none.xml'))).toMatch(/^https:\/\/[^/]+\/maven2$/)
  })
})
