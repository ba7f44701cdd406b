import { SluiceError } from '../core/errors.ts'

const infix = '-replay-'
const planSuffix = '-plan'
const idPattern = /^[a-z][a-z0-9]{0,15}$/

/** The application id of a replay: its group, and the beginning of every topic that it writes. */
export const shadowNameOf = (topologyName: string, id: string): string => `${topologyName}${infix}${id}`

/** The topic that holds a replay's plan; as long as it is there the replay is. */
export const planTopicOf = (shadowName: string): string => `${shadowName}${planSuffix}`

/** The shadow's name in the name of a plan's topic; undefined for any other topic. */
export const shadowOfPlanTopic = (topic: string): string | undefined => {
  const isPlan = topic.includes(infix) && topic.endsWith(planSuffix)
  if (!isPlan) return undefined
  const shadowName = topic.slice(0, -planSuffix.length)
  return idPattern.test(shadowName.slice(shadowName.lastIndexOf(infix) + infix.length))
    ? shadowName
    : undefined
}

/** Whether a topic belongs to a replay. Ids have no hyphen, so no replay's name begins with that of another and a hyphen. */
export const isTopicOf = (shadowName: string, topic: string): boolean => topic.startsWith(`${shadowName}-`)

/** Errors: SLUICE_REPLAY_NAME_INVALID for an id that can't be part of the names of topics and keyspaces. */
export const requireReplayId = (id: string): string => {
  if (idPattern.test(id)) return id
  throw new SluiceError({
    code: 'SLUICE_REPLAY_NAME_INVALID',
    message: `"${id}" cannot be the id of a replay`,
    remedy: 'use a small letter, then small letters and digits, at most 16: it becomes a part of topic names',
    details: { id },
  })
}
