import { crashPointsOf } from '../../../src/app/crash-points.ts'
import { AvroCodecs } from '../../../src/codec/avro-codecs.ts'
import { httpSchemaRegistry } from '../../../src/codec/http-registry.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { silentLogger } from '../../../src/core/log.ts'
import { connectKafka } from '../../../src/kafka/platformatic.ts'
import { retryLetters } from '../../../src/streams/dead-letters/settle.ts'
import { StreamWorker } from '../../../src/streams/runtime/worker.ts'
import { parkingFlow } from './parking.ts'

/** What a process of this program does: work until it is told to stop, or retry all that is parked. */
export interface ParkingProcessSettings {
  readonly does: 'work' | 'retry'
  readonly suffix: string
  readonly kafka: string
  readonly registry: string
  readonly isMended?: boolean
}

const settings = JSON.parse(process.argv[2] ?? '') as ParkingProcessSettings
const log = silentLogger
const crash = crashPointsOf({ env: process.env, log })
const kafka = connectKafka({ brokers: [settings.kafka], clientId: 'parking' }, { crash })
const { flow } = parkingFlow(settings.suffix, settings.isMended)
if (settings.does === 'work') {
  const stop = new AbortController()
  process.on('SIGTERM', () => stop.abort(new Error('stopped')))
  const codecs = new AvroCodecs(httpSchemaRegistry({ baseUrl: settings.registry }))
  const options = { topology: flow, kafka, codecs, clock: systemClock, log, instanceId: 'a', crash }
  await new StreamWorker({ ...options, maxTurnRecords: 6 }).run(stop.signal)
} else {
  const admin = kafka.admin()
  await retryLetters({ kafka, admin, topology: flow, clock: systemClock, by: 'test', crash }, { filter: {} })
  await admin.close()
}
await kafka.close()
