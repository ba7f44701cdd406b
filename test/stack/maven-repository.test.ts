import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { strToU8, zipSync } from 'fflate'
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
  })

  it('asks the installed Maven where nothing is configured', () => {
    const home = temporaryFolder()
    mkdirSync(join(home, 'lib'))
    mkdirSync(join(home, 'bin'))
    writeFileSync(join(home, 'bin', 'mvn'), '')
    const pom = `<project><repositories><repository><id> central </id><url>https://central.example/maven2/</url></repository></repositories></project>`
    const jar = zipSync({ 'org/apache/maven/model/pom-4.0.0.xml': strToU8(pom), other: strToU8('x') })
    writeFileSync(join(home, 'lib', 'maven-model-builder-3.9.9.jar'), jar)
    const none = join(home, 'none.xml')
    const expected = 'https://central.example/maven2'
    expect(mavenBaseUrl({ PATH: join(home, 'bin') }, none)).toBe(expected)
    expect(mavenBaseUrl({ PATH: '', MAVEN_HOME: home }, none)).toBe(expected)
  })

  it('says what to do where no Maven is installed', () => {
    const folder = temporaryFolder()
    expect(() => mavenBaseUrl({ PATH: folder }, join(folder, 'none.xml'))).toThrow(
      expect.objectContaining({ code: 'SLUICE_STACK_NO_REPOSITORY' }) as Error,
    )
  })
})
