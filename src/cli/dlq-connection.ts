import { openKafka } from '../app/adapters.ts'
import { crashPointsOf } from '../app/crash-points.ts'
import { createLogger } from '../app/logger.ts'
import type { CrashPoints } from '../core/crash-points.ts'
import { SluiceError } from '../core/errors.ts'
import type { Kafka, KafkaAdmin } from '../kafka/types.ts'
import { letterIdText, type LetterId } from '../streams/dead-letters/letter-id.ts'
import { deadLetterTopicName } from '../streams/dsl/failures.ts'
import { selectTopologies } from './select-topologies.ts'
import { loadSettings } from './settings.ts'

/** What the commands on dead letters work with. */
export interface DlqConnection {
  readonly kafka: Kafka
  readonly admin: KafkaAdmin
  readonly crash: CrashPoints | undefined
}

/** Connects for as long as the work takes. */
export const withDlqConnection = async <T>(work: (connection: DlqConnection) => Promise<T>): Promise<T> => {
  const crash = crashPointsOf({ env: process.env, log: createLogger('dlq') })
  const kafka = openKafka(await loadSettings(['kafkaBrokers']), 'sluice-dlq', crash)
  const admin = kafka.admin()
  try {
    return await work({ kafka, admin, crash })
  } finally {
    await admin.close()
    await kafka.close()
  }
}

/** The topology whose letter this is. Errors: SLUICE_DLQ_LETTER_UNKNOWN, naming the topics there are. */
export const topologyOf = (id: LetterId): { readonly name: string } => {
  const known = selectTopologies([])
  const found = known.find(topology => deadLetterTopicName(topology) === id.topic)
  if (found !== undefined) return found
  throw new SluiceError({
    code: 'SLUICE_DLQ_LETTER_UNKNOWN',
    message: `there is no dead letter ${letterIdText(id)}: no topology has the dead letter topic ${id.topic}`,
    remedy: `the dead letter topics are ${known.map(deadLetterTopicName).join(', ')}`,
    details: { id: letterIdText(id) },
  })
}
