import { mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { artifactFiles } from '../fetch-artifacts.ts'
import { exchange } from './exchange.ts'
import type { StackContext, StackServer } from './server.ts'

const logging = `<configuration>
  <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d %-5level %logger{0} %msg%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="out"/></root>
</configuration>
`

/** Settings of a single node with lightweight transactions of the newer kind; JSON is YAML too. */
const cassandraSettings = ({ layout, ports }: Pick<StackContext, 'layout' | 'ports'>): object => {
  const folder = layout.dataOf('cassandra')
  return {
    cluster_name: 'sluice',
    num_tokens: 4,
    partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner',
    endpoint_snitch: 'SimpleSnitch',
    seed_provider: [
      {
        class_name: 'org.apache.cassandra.locator.SimpleSeedProvider',
        parameters: [{ seeds: `127.0.0.1:${ports.cassandraStorage}` }],
      },
    ],
    listen_address: '127.0.0.1',
    storage_port: ports.cassandraStorage,
    ssl_storage_port: ports.cassandraStorage,
    start_native_transport: true,
    rpc_address: '127.0.0.1',
    native_transport_port: ports.cassandra,
    data_file_directories: [join(folder, 'data')],
    commitlog_directory: join(folder, 'commitlog'),
    saved_caches_directory: join(folder, 'saved_caches'),
    hints_directory: join(folder, 'hints'),
    cdc_raw_directory: join(folder, 'cdc_raw'),
    // Acknowledged is what is on the disk: periodic, the default, forgets up to a period's writes when the process is killed.
    commitlog_sync: 'batch',
    // Past the page cache where the file system can: a sync of mapped memory takes ten times as long.
    commitlog_disk_access_mode: 'auto',
    commitlog_segment_size: '16MiB',
    commitlog_total_space: '1GiB',
    auto_snapshot: false,
    concurrent_compactors: 1,
    concurrent_reads: 8,
    // A write keeps its thread until it is on the disk; those that wait together share one sync.
    concurrent_writes: 64,
    native_transport_max_threads: 128,
    memtable_heap_space: '384MiB',
    memtable_offheap_space: '384MiB',
    memtable_allocation_type: 'offheap_objects',
    paxos_variant: 'v2',
  }
}

const systemModules = 'ALL-UNNAMED'

/** What Java 17 must open to Cassandra 5.0, whose jar cannot ask for it itself. */
const exported = `java.base/java.lang.ref java.base/jdk.internal.misc java.base/jdk.internal.ref java.base/sun.nio.ch
  java.management.rmi/com.sun.jmx.remote.internal.rmi java.rmi/sun.rmi.registry java.rmi/sun.rmi.server
  java.sql/java.sql jdk.compiler/com.sun.tools.javac.file jdk.unsupported/sun.misc`
const opened = `java.base/java.io java.base/java.lang java.base/java.lang.module java.base/java.lang.reflect
  java.base/java.nio java.base/java.util java.base/java.util.concurrent java.base/java.util.concurrent.atomic
  java.base/jdk.internal.loader java.base/jdk.internal.math java.base/jdk.internal.module java.base/jdk.internal.ref
  java.base/jdk.internal.reflect java.base/jdk.internal.util.jar java.base/sun.nio.ch
  java.rmi/sun.rmi.transport.tcp jdk.management/com.sun.management.internal`

const each = (flag: string, packages: string): string[] =>
  packages.split(/\s+/).map(name => `${flag}=${name}=${systemModules}`)

/** `OPTIONS` of native protocol 4, answered by `SUPPORTED` (opcode 6). */
const optionsRequest = Buffer.from([4, 0, 0, 0, 5, 0, 0, 0, 0])

/** Cassandra, one node. */
export const cassandraServer: StackServer = {
  name: 'cassandra',
  files: 'cassandra',
  port: ports => ports.cassandra,
  listensOn: ports => [ports.cassandra, ports.cassandraStorage],
  stop: { signal: 'SIGTERM', patienceMs: 30_000 },

  prepare(context) {
    const folder = context.layout.dataOf('cassandra')
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'cassandra.yaml'), JSON.stringify(cassandraSettings(context), null, 2))
    writeFileSync(join(folder, 'logback.xml'), logging)
    return Promise.resolve()
  },

  launch({ layout, java }) {
    const folder = layout.dataOf('cassandra')
    const jars = artifactFiles(layout.cache, 'cassandra')
    const memoryMeter = jars.find(jar => /jamm-[^/\\]*\.jar$/.test(jar)) ?? ''
    return {
      program: java,
      arguments: [
        '-Xms512m',
        '-Xmx1536m',
        '-Xmn512m',
        '-XX:+UseParallelGC',
        '-XX:+ExitOnOutOfMemoryError',
        '-Xss256k',
        `-javaagent:${memoryMeter}`,
        '-Djdk.attach.allowAttachSelf=true',
        '-Djava.awt.headless=true',
        ...each('--add-exports', exported),
        ...each('--add-opens', opened),
        '-Dio.netty.tryReflectionSetAccessible=true',
        `-Dcassandra.config=${pathToFileURL(join(folder, 'cassandra.yaml')).href}`,
        `-Dcassandra.storagedir=${folder}`,
        `-Dcassandra.logdir=${folder}`,
        `-Dlogback.configurationFile=${pathToFileURL(join(folder, 'logback.xml')).href}`,
        // A single node has nobody to wait for.
        '-Dcassandra.skip_wait_for_gossip_to_settle=0',
        '-Dcassandra.ring_delay_ms=100',
        '-cp',
        jars.join(delimiter),
        'org.apache.cassandra.service.CassandraDaemon',
      ],
      workingFolder: folder,
    }
  },

  async isReady(ports) {
    const answer = await exchange(ports.cassandra, optionsRequest)
    return answer.length >= 9 && answer[4] === 6
  },
}
