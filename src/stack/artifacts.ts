import { readFileSync } from 'node:fs'

/** One file of Maven Central that a server needs. */
export interface Artifact {
  /** `group:artifact:version[:classifier][@extension]`, e.g. `org.apache.kafka:kafka_2.13:4.1.2`. */
  readonly coordinates: string
  /** Path below a Maven repository's base URL, and below the cache's folder of artifacts. */
  readonly path: string
  readonly bytes: number
  readonly sha256: string
}

/** The servers that come as files of Maven Central. */
export type JavaServer = 'kafka' | 'cassandra' | 'registry'

interface LockedServer {
  readonly version: string
  /** Coordinates → size in bytes and SHA-256, separated by a blank. */
  readonly files: Readonly<Record<string, string>>
}

const lock = JSON.parse(readFileSync(new URL('artifacts.json', import.meta.url), 'utf8')) as Readonly<
  Record<JavaServer, LockedServer>
>

/**
 * Where a Maven repository keeps a file.
 *
 * @example pathOf('com.github.jnr:jffi:1.3.11:native') // 'com/github/jnr/jffi/1.3.11/jffi-1.3.11-native.jar'
 */
export const pathOf = (coordinates: string): string => {
  const [name = '', extension = 'jar'] = coordinates.split('@')
  const [group = '', artifact = '', version = '', classifier] = name.split(':')
  const suffix = classifier === undefined ? '' : `-${classifier}`
  return `${group.replaceAll('.', '/')}/${artifact}/${version}/${artifact}-${version}${suffix}.${extension}`
}

/** The exact files of one server, as locked in artifacts.json. */
export const artifactsOf = (server: JavaServer): readonly Artifact[] =>
  Object.entries(lock[server].files).map(([coordinates, locked]) => {
    const [bytes = '', sha256 = ''] = locked.split(' ')
    return { coordinates, path: pathOf(coordinates), bytes: Number(bytes), sha256 }
  })

/** The pinned version of a server that comes from Maven Central. */
export const versionOf = (server: JavaServer): string => lock[server].version
