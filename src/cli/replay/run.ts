import { hostname } from 'node:os'
import { crashPointsOf } from '../../app/crash-points.ts'
import { createLogger } from '../../app/logger.ts'
import { createMaterializer } from '../../orders/materializer.ts'
import {
  createShadowKeyspace,
  requireFreeKeyspace,
  shadowKeyspaceOf,
} from '../../orders/replay/shadow-keyspace.ts'
import type { ReplayTarget } from '../../orders/replay/targets.ts'
import { beginReplay, prepareReplay } from '../../replay/begin.ts'
import type { ReplayRequest } from '../../replay/begin.ts'
import type { ReplayPlan } from '../../replay/plan.ts'
import { runReplay, type ReplayReport } from '../../replay/run.ts'
import { shadowTopology } from '../../replay/shadow-topology.ts'
import type { EffectHandlers } from '../../streams/runtime/effects.ts'
import type { StockUpdate } from '../../../schemas/types.ts'
import { createProgress } from '../progress.ts'
import { selectTopologies } from '../select-topologies.ts'
import { withReplaySystem, targetNamed, type KnownReplay, type ReplaySystem } from './open.ts'
import { renderPace, renderPlan } from './render.ts'

/** What `sluice replay run` may be told. */
export interface ReplayRunFlags {
  readonly id?: string
  readonly from?: string
  readonly partial?: boolean
  readonly rate?: number
  readonly dryRun?: boolean
  readonly instance?: string
}

/** What came of it; without a report where only the plan was wanted. */
export interface ReplayRunResult {
  readonly plan: ReplayPlan
  readonly wasBegun: boolean
  readonly report?: ReplayReport
}

/** `sluice replay run`: shows the plan, then runs the replay until its end. */
export const runReplayCommand = async (
  targetName: string,
  flags: ReplayRunFlags,
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<ReplayRunResult> => {
  const target = targetNamed(targetName)
  return withReplaySystem(async system => {
    const request = requestOf(target, flags, system.config.keyspace)
    const shadow = shadowTopology(target, request.id)
    const options = { ...system, request, shadow, live: selectTopologies([]) }
    const prepared = await prepareReplay(options)
    const { keyspace } = prepared.plan
    if (!prepared.isBegun && keyspace !== undefined)
      await requireFreeKeyspace(system.cassandra, keyspace, shadow.name)
    say(renderPlan(prepared, target, shadow))
    if (flags.dryRun === true) return { plan: prepared.plan, wasBegun: prepared.isBegun }
    const plan = await beginReplay(prepared, options)
    const report = await runKnownReplay(system, { plan, target, shadow }, signal, flags)
    return { plan, wasBegun: prepared.isBegun, report }
  })
}

const requestOf = (target: ReplayTarget, flags: ReplayRunFlags, liveKeyspace: string): ReplayRequest => {
  const id = flags.id ?? target.name
  return {
    id,
    target: target.name,
    from: flags.from !== undefined && target.startNames.includes(flags.from) ? 'start' : flags.from,
    isPartial: flags.partial ?? false,
    ...(target.comparison === 'views' ? { keyspace: shadowKeyspaceOf(liveKeyspace, id) } : {}),
  }
}

/** Runs a replay that has a plan, with progress on standard error. */
export const runKnownReplay = async (
  system: ReplaySystem,
  { plan, shadow }: KnownReplay,
  signal: AbortSignal,
  flags: Pick<ReplayRunFlags, 'rate' | 'instance'> = {},
): Promise<ReplayReport> => {
  const { config, cassandra } = system
  const instanceId = flags.instance ?? `${hostname()}-${process.pid}`
  const log = createLogger(`replay-${plan.id}`, 'warn')
  if (plan.keyspace !== undefined) await createShadowKeyspace(cassandra, config.keyspace, plan.keyspace)
  const progress = createProgress()
  try {
    return await runReplay({
      ...system,
      plan,
      shadow,
      effects: effectsInto(system, plan),
      log,
      instanceId,
      signal,
      maxRecordsPerSecond: flags.rate,
      sessionTimeoutMs: config.sessionTimeoutMs,
      crash: crashPointsOf({ env: process.env, log }),
      onPace: pace => progress.update(() => renderPace(plan.id, pace)),
    })
  } finally {
    progress.end()
  }
}

/** What the topologies' effects do in a replay: they write to its keyspace, and nowhere else. */
const effectsInto = ({ cassandra }: ReplaySystem, { keyspace }: ReplayPlan): EffectHandlers => {
  if (keyspace === undefined) return {}
  const materializer = createMaterializer({ cassandra, targets: async () => [keyspace] })
  return {
    'materialize-stock': messages =>
      materializer.materialize(messages.map(({ value }) => value as StockUpdate)),
  }
}
