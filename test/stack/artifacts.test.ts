import { describe, expect, it } from 'vitest'
import { artifactsOf, pathOf, versionOf } from '../../src/stack/artifacts.ts'

describe('pathOf', () => {
  it.each([
    ['org.apache.kafka:kafka_2.13:4.1.2', 'org/apache/kafka/kafka_2.13/4.1.2/kafka_2.13-4.1.2.jar'],
    ['com.github.jnr:jffi:1.3.11:native', 'com/github/jnr/jffi/1.3.11/jffi-1.3.11-native.jar'],
    ['io.x:app:2.0.Final:all@tar.gz', 'io/x/app/2.0.Final/app-2.0.Final-all.tar.gz'],
  ])('finds %s', (coordinates, path) => {
    expect(pathOf(coordinates)).toBe(path)
  })
})

describe('the locked files', () => {
  it.each(['kafka', 'cassandra', 'registry'] as const)('of %s have a size and a SHA-256', server => {
    const artifacts = artifactsOf(server)
    for (const { bytes, sha256 } of artifacts) {
      expect(bytes).toBeGreaterThan(0)
      expect(sha256).toMatch(/^[0-9a-f]{64}$/)
    }
    const main = { kafka: 'kafka_2.13', cassandra: 'cassandra-all', registry: 'apicurio-registry-app' }[
      server
    ]
    expect(artifacts.map(artifact => artifact.coordinates.split(':')[1])).toContain(main)
    expect(artifacts.some(artifact => artifact.coordinates.includes(`:${main}:${versionOf(server)}`))).toBe(
      true,
    )
  })
})
