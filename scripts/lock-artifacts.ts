// Writes src/stack/artifacts.json anew: resolves each server's run-time dependencies with Maven and locks their sizes and
// SHA-256. Run after changing a version below:  node scripts/lock-artifacts.ts
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, sep } from 'node:path'

import type { JavaServer } from '../src/stack/artifacts.ts'

const roots: Readonly<Record<JavaServer, readonly string[]>> = {
  // The binding of slf4j belongs to Kafka's distribution, not to its dependencies.
  kafka: ['org.apache.kafka:kafka_2.13:4.1.2', 'org.apache.logging.log4j:log4j-slf4j-impl:2.25.3'],
  cassandra: ['org.apache.cassandra:cassandra-all:5.0.9'],
  registry: ['io.apicurio:apicurio-registry-app:2.6.13.Final:all@tar.gz'],
}

/** Native libraries of systems on which the Java fallback serves. */
const isSpared = (coordinates: string): boolean =>
  /netty-tcnative-boringssl|netty-resolver-dns-native|kqueue.*:osx|epoll.*:linux-riscv64/.test(coordinates)

const dependencyXml = (coordinates: string): string => {
  const [name = '', type = 'jar'] = coordinates.split('@')
  const [group, artifact, version, classifier] = name.split(':')
  const optional = classifier === undefined ? '' : `<classifier>${classifier}</classifier>`
  // The registry's archive holds all it needs; its own dependencies would come twice.
  const exclusion =
    type === 'jar'
      ? ''
      : '<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>'
  return `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version><type>${type}</type>${optional}${exclusion}</dependency>`
}

const pomXml = (coordinates: readonly string[]): string =>
  `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>sluice</groupId>
<artifactId>lock</artifactId><version>1</version><dependencies>${coordinates.map(dependencyXml).join('\n')}</dependencies></project>`

/** `org/apache/kafka/kafka-raft/4.1.2/kafka-raft-4.1.2.jar` → `org.apache.kafka:kafka-raft:4.1.2`. */
const coordinatesOf = (path: string): string => {
  const parts = path.split('/')
  const [artifact = '', version = '', file = ''] = parts.slice(-3)
  const rest = file.slice(`${artifact}-${version}`.length)
  const dot = rest.startsWith('-') ? rest.indexOf('.') : 0
  const classifier = rest.slice(1, dot)
  const extension = rest.slice(dot + 1)
  const suffix = (classifier === '' ? '' : `:${classifier}`) + (extension === 'jar' ? '' : `@${extension}`)
  return `${parts.slice(0, -3).join('.')}:${artifact}:${version}${suffix}`
}

const lockOf = (server: JavaServer): object => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-lock-'))
  try {
    writeFileSync(join(folder, 'pom.xml'), pomXml(roots[server]))
    const goal = ['-DincludeScope=runtime', '-Dmdep.useRepositoryLayout=true', '-DoutputDirectory=lib']
    execFileSync('mvn', ['-B', '-q', 'dependency:copy-dependencies', ...goal], {
      cwd: folder,
      stdio: ['ignore', 2, 2],
    })
    const lib = join(folder, 'lib')
    const files = readdirSync(lib, { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile() && /\.(jar|gz)$/.test(entry.name))
      .map(entry => join(entry.parentPath, entry.name))
      .map(path => [coordinatesOf(relative(lib, path).split(sep).join('/')), readFileSync(path)] as const)
      .filter(([coordinates]) => !isSpared(coordinates))
      .map(([coordinates, bytes]) => [
        coordinates,
        `${bytes.length} ${createHash('sha256').update(bytes).digest('hex')}`,
      ])
      .toSorted(([left = ''], [right = '']) => (left < right ? -1 : 1))
    return { version: roots[server][0]?.split('@')[0]?.split(':')[2], files: Object.fromEntries(files) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const lock = { kafka: lockOf('kafka'), cassandra: lockOf('cassandra'), registry: lockOf('registry') }
writeFileSync(new URL('../src/stack/artifacts.json', import.meta.url), `${JSON.stringify(lock, null, 2)}\n`)
