import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

import { versionOf } from '../artifacts.ts'
import { registryFolder } from '../fetch-artifacts.ts'
import type { StackServer } from './server.ts'

/** Path of the Confluent-compatible API. */
export const registryPath = '/apis/ccompat/v7'

/**
 * Apicurio Registry. Its database is meant to live in memory; a file of the same database engine keeps the schema ids
 * for as long as Kafka keeps the events that carry them.
 */
export const registryServer: StackServer = {
  name: 'registry',
  files: 'registry',
  port: ports => ports.registry,
  listensOn: ports => [ports.registry],
  stop: { signal: 'SIGTERM', patienceMs: 10_000 },

  prepare({ layout }) {
    mkdirSync(layout.dataOf('registry'), { recursive: true })
    return Promise.resolve()
  },

  launch({ layout, ports, java }) {
    const database = `jdbc:h2:file:${join(layout.dataOf('registry'), 'registry')};WRITE_DELAY=0;DB_CLOSE_ON_EXIT=FALSE`
    return {
      program: java,
      arguments: [
        '-Xmx384m',
        '-XX:+UseSerialGC',
        '-XX:TieredStopAtLevel=1',
        '-XX:+ExitOnOutOfMemoryError',
        '-Dquarkus.http.host=127.0.0.1',
        `-Dquarkus.http.port=${ports.registry}`,
        `-Dquarkus.datasource.jdbc.url=${database}`,
        '-Dquarkus.banner.enabled=false',
        '-Dquarkus.log.file.enable=false',

        '-jar',
        join(registryFolder(layout.cache), `apicurio-registry-app-${versionOf('registry')}-runner.jar`),
      ],
      workingFolder: layout.dataOf('registry'),
    }
  },

  async isReady(ports) {
    const response = await fetch(`http://127.0.0.1:${ports.registry}${registryPath}/subjects`, {
      signal: AbortSignal.timeout(2_000),
    })
    return response.ok
  },
}
