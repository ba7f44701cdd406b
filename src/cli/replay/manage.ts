import { SluiceError } from '../../core/errors.ts'
import { compareReplay } from '../../orders/replay/compare.ts'
import { dropShadowKeyspace } from '../../orders/replay/shadow-keyspace.ts'
import { requireInactive, switchBack, switchViews } from '../../orders/replay/switch-views.ts'
import type { Comparison } from '../../replay/difference.ts'
import { dropReplay, requireNotRunning } from '../../replay/drop.ts'
import { listPlans, type ReplayPlan } from '../../replay/plan.ts'
import { partitionsOf } from '../../replay/run.ts'
import { inputsOf, shadowTopology } from '../../replay/shadow-topology.ts'
import { readStanding, type Standing } from '../../replay/standing.ts'
import { requireLive, type LiveFlags } from './require-live.ts'
import { replayOfId, targetNamed, withReplaySystem, type KnownReplay, type ReplaySystem } from './open.ts'
import { runKnownReplay } from './run.ts'

/** A replay as `sluice replay list` shows it. */
export interface ListedReplay {
  readonly plan: ReplayPlan
  /** Towards what is committed now. */
  readonly standing: Standing
  /** Processes that run it now. */
  readonly processes: number
  /** Whether live workers write its tables, and readers read them; always false where it has none. */
  readonly isAttached: boolean
  readonly isActive: boolean
}

/** All replays that were begun and not dropped. */
export const listReplays = (): Promise<readonly ListedReplay[]> =>
  withReplaySystem(async system => {
    const { kafka, admin, routes } = system
    const plans = await listPlans(kafka, admin)
    const { active, attached } = await routes.read()
    const listed: ListedReplay[] = []
    for (const plan of plans) {
      listed.push({
        plan,
        standing: await standingNow(system, plan),
        processes: await admin.memberCount(plan.shadow),
        isAttached: plan.keyspace !== undefined && attached.includes(plan.keyspace),
        isActive: plan.keyspace !== undefined && active === plan.keyspace,
      })
    }
    return listed
  })

const standingNow = async ({ admin }: ReplaySystem, plan: ReplayPlan): Promise<Standing> => {
  const { live, own } = inputsOf(shadowTopology(targetNamed(plan.target), plan.id))
  const existing = new Set(await admin.listTopics())
  const partitions = {
    live: await partitionsOf(admin, live),
    own: await partitionsOf(
      admin,
      own.filter(topic => existing.has(topic)),
    ),
  }
  const ends = await admin.listOffsets(partitions.live, 'latest-committed')
  return readStanding(admin, plan.shadow, partitions, { starts: plan.starts, ends })
}

/** `sluice replay compare`: changes nothing. */
export const compareKnownReplay = (id: string): Promise<Comparison> =>
  withReplaySystem(async system => {
    const known = await replayOfId(system, id)
    await requireNotRunning(known.plan, system.admin)
    return compareReplay({ ...system, ...known })
  })

/** What readers read after a switch. */
export interface SwitchResult {
  readonly active: string
  readonly comparison?: Comparison
}

/** `sluice replay switch`: writes live. */
export const switchReplay = (
  id: string,
  flags: LiveFlags & { readonly back?: boolean },
  signal: AbortSignal,
): Promise<SwitchResult> =>
  withReplaySystem(async system => {
    const { config, routes } = system
    const known = await replayOfId(system, id)
    const { plan } = known
    const { keyspace } = config
    const [from, to] = [plan.keyspace ?? plan.target, keyspace]
    if (flags.back === true) {
      await requireLive(flags, { name: keyspace, change: `readers of ${from} will read ${to}` })
      await switchBack(plan, routes)
      return { active: keyspace }
    }
    await requireLive(flags, {
      name: keyspace,
      change: `readers of ${keyspace} will read ${from}, and live workers write both`,
    })
    await requireNotRunning(plan, system.admin)
    const comparison = await switchViews({
      plan,
      routes,
      catchUp: () => catchUp(system, known, signal),
      compare: () => compareReplay({ ...system, ...known }),
    })
    return { active: from, comparison }
  })

const catchUp = async (system: ReplaySystem, known: KnownReplay, signal: AbortSignal): Promise<void> => {
  const { isEnded } = await runKnownReplay(system, known, signal)
  if (isEnded) return
  throw new SluiceError({
    code: 'SLUICE_REPLAY_STOPPED',
    message: `the replay ${known.plan.id} was stopped before it had caught up; readers read what they read before`,
    remedy: 'switch again when it may run to its end',
    details: { id: known.plan.id },
  })
}

/** What was deleted. */
export interface DropResult {
  readonly topics: readonly string[]
  readonly keyspace?: string
}

/** `sluice replay drop`: writes live only where live workers write the replay's tables. */
export const dropKnownReplay = (id: string, flags: LiveFlags): Promise<DropResult> =>
  withReplaySystem(async system => {
    const { admin, cassandra, routes, config } = system
    const { plan } = await replayOfId(system, id)
    await requireNotRunning(plan, admin)
    await requireInactive(plan, routes)
    const { keyspace } = plan
    if (keyspace !== undefined) {
      if ((await routes.read()).attached.includes(keyspace)) {
        await requireLive(flags, {
          name: config.keyspace,
          change: `workers of ${config.keyspace} will no longer write ${keyspace}`,
        })
        await routes.detach(keyspace)
      }
      await dropShadowKeyspace(cassandra, keyspace, id)
    }
    return { topics: await dropReplay(plan, admin), ...(keyspace === undefined ? {} : { keyspace }) }
  })
