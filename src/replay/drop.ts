import { SluiceError } from '../core/errors.ts'
import type { KafkaAdmin } from '../kafka/types.ts'
import { isTopicOf, planTopicOf } from './names.ts'
import type { ReplayPlan } from './plan.ts'

/** Throws while a process runs the replay. Errors: SLUICE_REPLAY_RUNNING. */
export const requireNotRunning = async ({ id, shadow }: ReplayPlan, admin: KafkaAdmin): Promise<void> => {
  const members = await admin.memberCount(shadow)
  if (members === 0) return
  throw new SluiceError({
    code: 'SLUICE_REPLAY_RUNNING',
    message: `${members === 1 ? 'a process runs' : `${members} processes run`} the replay ${id}`,
    remedy: 'stop it, or wait until it has ended; one that was killed counts for some seconds more',
    details: { id, shadow, members },
  })
}

/**
 * Deletes the offsets and topics of a replay, its plan last, so that an interrupted drop can be repeated. Gives the topics' names.
 * Errors: SLUICE_REPLAY_RUNNING.
 */
export const dropReplay = async (plan: ReplayPlan, admin: KafkaAdmin): Promise<readonly string[]> => {
  await requireNotRunning(plan, admin)
  const topics = (await admin.listTopics()).filter(topic => isTopicOf(plan.shadow, topic))
  const planTopic = planTopicOf(plan.shadow)
  await admin.deleteTopics(topics.filter(topic => topic !== planTopic))
  await admin.deleteGroup(plan.shadow)
  await admin.deleteTopics([planTopic])
  return topics
}
