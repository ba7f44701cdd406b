import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { findJava, majorVersionIn } from '../../src/stack/java.ts'
import { rejection } from './support/error.ts'
import { temporaryFolder } from './support/folder.ts'

/** Puts a program in place that answers `-version` as Java does. */
const javaOf = (file: string, version: string): string => {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `#!/bin/sh\necho 'openjdk version "${version}" 2025-04-15' >&2\n`)
  chmodSync(file, 0o755)
  return file
}

it.each([
  ['openjdk version "17.0.15" 2025-04-15', 17],
  ['java version "1.8.0_392"', 8],
  ['openjdk version "21" 2023-09-19', 21],
  ['command not found', undefined],
])('reads the version in %s', (text, major) => {
  expect(majorVersionIn(text)).toBe(major)
})

it('prefers JAVA_HOME, then PATH, then what is installed', async () => {
  const folder = temporaryFolder()
  const home = javaOf(join(folder, 'home', 'bin', 'java'), '17.0.1')
  const onPath = javaOf(join(folder, 'path', 'java'), '17.0.2')
  const installed = javaOf(join(folder, 'jvm', 'java-17', 'bin', 'java'), '17.0.3')
  const old = javaOf(join(folder, 'old', 'java'), '11.0.2')
  const jvm = join(folder, 'jvm')
  expect(await findJava({ JAVA_HOME: join(folder, 'home') }, jvm, onPath)).toBe(home)
  expect(await findJava({}, jvm, onPath)).toBe(onPath)
  expect(await findJava({}, jvm, old)).toBe(installed)
})

it('says when there is none', async () => {
  const folder = temporaryFolder()
  const error = await rejection(findJava({}, join(folder, 'none'), join(folder, 'java')))
  expect(error.code).toBe('SLUICE_STACK_NO_JAVA')
  expect(error.remedy).toContain('JAVA_HOME')
})

it('says which wrong ones it found', async () => {
  const folder = temporaryFolder()
  const wrong = javaOf(join(folder, 'java'), '21.0.1')
  const error = await rejection(findJava({}, join(folder, 'none'), wrong))
  expect(error.code).toBe('SLUICE_STACK_WRONG_JAVA')
  expect(error.message).toContain(`${wrong} (Java 21)`)
})
