import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

import { artifactFiles } from '../fetch-artifacts.ts'
import { exchange } from './exchange.ts'
import type { StackContext, StackServer } from './server.ts'

const logging = `status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %-5p %c{1} %m%n
rootLogger.level = info
rootLogger.appenderRef.out.ref = out
`

/** Settings of a single broker that is its own controller, tuned for short waits instead of many nodes. */
const kafkaProperties = ({ layout, ports }: Pick<StackContext, 'layout' | 'ports'>): string =>
  Object.entries({
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${ports.kafkaController}`,
    listeners: `PLAINTEXT://127.0.0.1:${ports.kafka},CONTROLLER://127.0.0.1:${ports.kafkaController}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${ports.kafka}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': join(layout.dataOf('kafka'), 'data'),
    'auto.create.topics.enable': false,
    'default.replication.factor': 1,
    'min.insync.replicas': 1,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 8,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 8,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': 1_000,
    // A transaction left behind by a killed worker ends soon after its own timeout.
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': 1_000,
  })
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')

/** `ApiVersions` version 0 without a client id: answered as soon as the broker serves clients. */
const apiVersionsRequest = Buffer.from([0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff])

/** Kafka in KRaft mode. */
export const kafkaServer: StackServer = {
  name: 'kafka',
  files: 'kafka',
  port: ports => ports.kafka,
  listensOn: ports => [ports.kafka, ports.kafkaController],
  stop: { signal: 'SIGTERM', patienceMs: 20_000 },

  async prepare(context) {
    const folder = context.layout.dataOf('kafka')
    mkdirSync(folder, { recursive: true })
    const settings = join(folder, 'server.properties')
    writeFileSync(settings, kafkaProperties(context))
    writeFileSync(join(folder, 'log4j2.properties'), logging)
    const data = join(folder, 'data')
    if (existsSync(join(data, 'meta.properties'))) return
    // What an interrupted formatting left behind.
    rmSync(data, { recursive: true, force: true })
    await promisify(execFile)(
      context.java,
      [
        '-Xmx128m',
        '-XX:TieredStopAtLevel=1',
        '-cp',
        artifactFiles(context.layout.cache, 'kafka').join(delimiter),

        'kafka.tools.StorageTool',
        'format',
        // One word: an id may begin with a dash, and would be taken for an option.
        `--cluster-id=${context.kafkaClusterId}`,
        '--config',
        settings,
      ],
      { signal: context.signal },
    )
  },

  launch({ layout, java }) {
    const folder = layout.dataOf('kafka')
    return {
      program: java,
      arguments: [
        '-Xms256m',
        '-Xmx768m',
        '-XX:+UseG1GC',
        '-XX:MaxGCPauseMillis=20',
        '-XX:+ExitOnOutOfMemoryError',
        '-Djava.awt.headless=true',
        `-Dlog4j2.configurationFile=${join(folder, 'log4j2.properties')}`,
        '-cp',
        artifactFiles(layout.cache, 'kafka').join(delimiter),
        'kafka.Kafka',
        join(folder, 'server.properties'),
      ],
      workingFolder: folder,
    }
  },

  async isReady(ports) {
    const answer = await exchange(ports.kafka, apiVersionsRequest)
    // After the length: the correlation id sent above, then error code 0.
    return answer.length >= 10 && answer.readInt32BE(4) === 1 && answer.readInt16BE(8) === 0
  },
}
