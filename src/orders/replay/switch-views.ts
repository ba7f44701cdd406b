import { SluiceError } from '../../core/errors.ts'
import type { Comparison } from '../../replay/difference.ts'
import type { ReplayPlan } from '../../replay/plan.ts'
import type { ViewRoutes } from '../view-routing.ts'
import { own } from '../view-target.ts'

export interface SwitchOptions {
  readonly plan: ReplayPlan
  readonly routes: ViewRoutes
  /** Runs the replay up to what is committed when it is called. */
  readonly catchUp: () => Promise<void>
  readonly compare: () => Promise<Comparison>
}

const keyspaceOf = ({ id, keyspace, target }: ReplayPlan): string => {
  if (keyspace !== undefined) return keyspace
  throw new SluiceError({
    code: 'SLUICE_REPLAY_NOT_SWITCHABLE',
    message: `the replay ${id} rebuilt ${target}, which nobody reads from a keyspace`,
    remedy: 'only views can be switched to: sluice replay run views',
    details: { id, target },
  })
}

/**
 * Lets readers read what was replayed, once it is equal to live. Live is written to, in this sequence:
 *
 * 1. Attach: from now on live workers write each turn to the replayed tables as well. A turn asks for its targets after it has read
 *    its records, so a turn that did not see this has read only what was on the log before.
 * 2. Catch up with what is on the log now, which holds all of that. Rows bear their version as time of writing: what live
 *    workers write meanwhile is never overwritten by something older.
 * 3. Compare. What is not equal is let go of again, and nothing has changed for readers.
 * 4. Activate: readers follow within a second. The former tables stay attached, so they can go back at any time.
 *
 * Errors: SLUICE_REPLAY_NOT_SWITCHABLE, SLUICE_REPLAY_NOT_EQUAL.
 */
export const switchViews = async ({ plan, routes, catchUp, compare }: SwitchOptions): Promise<Comparison> => {
  const keyspace = keyspaceOf(plan)
  if (plan.isPartial) throw partial(plan)
  await routes.attach(keyspace)
  try {
    await catchUp()
    const comparison = await compare()
    if (!comparison.isEqual) throw notEqual(plan, comparison)
    await routes.activate(keyspace)
    return comparison
  } catch (error) {
    if ((await routes.read()).active !== keyspace) await routes.detach(keyspace)
    throw error
  }
}

/** Lets readers read live's own tables again, which were kept up to date all the time. */
export const switchBack = async (plan: ReplayPlan, routes: ViewRoutes): Promise<void> => {
  const keyspace = keyspaceOf(plan)
  const { active } = await routes.read()
  if (active !== keyspace) {
    throw new SluiceError({
      code: 'SLUICE_REPLAY_NOT_SWITCHABLE',
      message: `readers read ${active === own ? "live's own tables" : active}, not those of the replay ${plan.id}: there is nothing to go back from`,
      remedy: 'see sluice replay list',
      details: { id: plan.id, active },
    })
  }
  await routes.activate(own)
}

/** Throws while readers read what is to be dropped. Errors: SLUICE_REPLAY_ACTIVE. */
export const requireInactive = async (plan: ReplayPlan, routes: ViewRoutes): Promise<void> => {
  if (plan.keyspace === undefined || (await routes.read()).active !== plan.keyspace) return
  throw new SluiceError({
    code: 'SLUICE_REPLAY_ACTIVE',
    message: `readers read the tables of the replay ${plan.id} (${plan.keyspace})`,
    remedy: `let them read live's own first: sluice replay switch ${plan.id} --back --live`,
    details: { id: plan.id, keyspace: plan.keyspace },
  })
}

const partial = ({ id }: ReplayPlan): SluiceError =>
  new SluiceError({
    code: 'SLUICE_REPLAY_NOT_SWITCHABLE',
    message: `the replay ${id} is partial: its tables lack what was before`,
    remedy: 'replay from the start under another --id, and switch to that',
    details: { id },
  })

const notEqual = ({ id }: ReplayPlan, { parts }: Comparison): SluiceError => {
  const count = parts.reduce((sum, { differenceCount }) => sum + differenceCount, 0)
  const [first] = parts.flatMap(({ differences }) => differences)
  return new SluiceError({
    code: 'SLUICE_REPLAY_NOT_EQUAL',
    message: `the replay ${id} is not equal to live in ${count} places; readers read what they read before. The first: ${first?.where} ${first?.key} ${first?.message}`,
    remedy: `look at all: sluice replay compare ${id}`,
    details: { id, count },
  })
}
