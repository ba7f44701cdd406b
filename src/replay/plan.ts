import { SluiceError } from '../core/errors.ts'
import { newId } from '../core/ids.ts'
import type { Kafka, KafkaAdmin, OffsetPosition } from '../kafka/types.ts'
import { planTopicOf, shadowOfPlanTopic } from './names.ts'

/** What a replay is: written once, before anything else of it, and kept in Kafka until it is dropped. */
export interface ReplayPlan {
  readonly id: string
  /** What is rebuilt, as the user named it. */
  readonly target: string
  /** Application id: group, and beginning of every topic of its own. */
  readonly shadow: string
  /** As the user wrote it. */
  readonly from: string
  /** Where reading began, in each live partition. */
  readonly starts: readonly OffsetPosition[]
  /** Whether something before the first record read is missing, and the user wanted it so. */
  readonly isPartial: boolean
  /** ISO time. */
  readonly createdAt: string
  /** Where effects write, for targets that have some. */
  readonly keyspace?: string
}

/**
 * Writes a plan; the first one written under a name counts, which is returned. Of two processes that begin at the same moment both
 * go on with the same plan.
 */
export const writePlan = async (kafka: Kafka, admin: KafkaAdmin, plan: ReplayPlan): Promise<ReplayPlan> => {
  const topic = planTopicOf(plan.shadow)
  await admin.ensureTopics([{ name: topic, partitions: 1, config: { 'retention.ms': '-1' } }])
  const producer = kafka.transactionalProducer(`${topic}-${newId()}`)
  try {
    await producer.init()
    await producer.send([
      {
        topic,
        partition: 0,
        timestamp: Date.parse(plan.createdAt),
        key: Buffer.from(plan.id),
        value: Buffer.from(JSON.stringify(plan)),
        headers: [],
      },
    ])
    await producer.commit()
  } finally {
    await producer.close()
  }
  return (await readPlan(kafka, admin, plan.shadow)) ?? plan
}

/** Undefined where there is no such replay. */
export const readPlan = async (
  kafka: Kafka,
  admin: KafkaAdmin,
  shadowName: string,
): Promise<ReplayPlan | undefined> => {
  const topic = planTopicOf(shadowName)
  if (!(await admin.listTopics()).includes(topic)) return undefined
  const place = { topic, partition: 0 }
  const [end] = await admin.listOffsets([place], 'latest-committed')
  if (end === undefined || end.offset === 0) return undefined
  const reader = kafka.reader()
  try {
    reader.assign([{ ...place, offset: 0 }])
    while ((reader.position(place) ?? 0) < end.offset) {
      const [first] = await reader.poll(1, 500)
      if (first?.value != null) return JSON.parse(first.value.toString('utf8')) as ReplayPlan
    }
    return undefined
  } finally {
    await reader.close()
  }
}

/** All replays that there are. */
export const listPlans = async (kafka: Kafka, admin: KafkaAdmin): Promise<readonly ReplayPlan[]> => {
  const names = (await admin.listTopics()).flatMap(topic => shadowOfPlanTopic(topic) ?? [])
  const plans = await Promise.all(names.map(name => readPlan(kafka, admin, name)))
  return plans.filter(plan => plan !== undefined).toSorted((one, other) => (one.id < other.id ? -1 : 1))
}

/** The replay of that id. Errors: SLUICE_REPLAY_UNKNOWN. */
export const planOfId = async (kafka: Kafka, admin: KafkaAdmin, id: string): Promise<ReplayPlan> => {
  const plans = await listPlans(kafka, admin)
  const plan = plans.find(candidate => candidate.id === id)
  if (plan !== undefined) return plan
  throw new SluiceError({
    code: 'SLUICE_REPLAY_UNKNOWN',
    message: `there is no replay "${id}"`,
    remedy:
      plans.length === 0
        ? 'begin one: sluice replay run ledger'
        : `name one of: ${plans.map(known => known.id).join(', ')}`,
    details: { id },
  })
}
