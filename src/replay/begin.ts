import type { Clock } from '../core/clock.ts'
import { SluiceError } from '../core/errors.ts'
import type { Kafka, KafkaAdmin } from '../kafka/types.ts'
import type { Topology } from '../streams/dsl/graph.ts'
import { requireFreeNames, requireOwnNames } from './guards.ts'
import { requireReplayId } from './names.ts'
import { listPlans, writePlan, type ReplayPlan } from './plan.ts'
import { partitionsOf } from './run.ts'
import { inputsOf, isStateful } from './shadow-topology.ts'
import { isComplete, parseFrom, requireWholeLog, resolveStarts } from './start.ts'

/** What a user wants replayed. */
export interface ReplayRequest {
  readonly id: string
  readonly target: string
  /** Undefined: as it was begun, else from the start. */
  readonly from: string | undefined
  readonly isPartial: boolean
  readonly keyspace?: string
}

export interface PrepareOptions {
  readonly request: ReplayRequest
  readonly shadow: Topology
  /** Every topology that runs for real. */
  readonly live: readonly Topology[]
  readonly kafka: Kafka
  readonly admin: KafkaAdmin
  readonly clock: Clock
}

/** A plan, and whether it is there already. */
export interface PreparedReplay {
  readonly plan: ReplayPlan
  readonly isBegun: boolean
}

/**
 * Makes the plan of a replay, or finds the one with which it was begun; writes nothing.
 *
 * Errors: SLUICE_REPLAY_NAME_INVALID, SLUICE_REPLAY_NAME_TAKEN, SLUICE_REPLAY_DIFFERS, SLUICE_REPLAY_FROM_INVALID,
 * SLUICE_REPLAY_STATE_MISSING.
 */
export const prepareReplay = async (options: PrepareOptions): Promise<PreparedReplay> => {
  const { request, shadow, live, kafka, admin, clock } = options
  const id = requireReplayId(request.id)
  requireOwnNames(shadow, live)
  const begun = (await listPlans(kafka, admin)).find(plan => plan.id === id)
  if (begun !== undefined) return { plan: requireSame(begun, request), isBegun: true }
  requireFreeNames(shadow.name, await admin.listTopics())
  const fromText = request.from ?? 'start'
  const from = parseFrom(fromText)
  const starts = await resolveStarts(from, admin, await partitionsOf(admin, inputsOf(shadow).live))
  requireWholeLog(from, starts, { isStateful: isStateful(shadow), isPartial: request.isPartial })
  const plan: ReplayPlan = {
    id,
    target: request.target,
    shadow: shadow.name,
    from: fromText,
    starts,
    isPartial: !isComplete(starts),
    createdAt: new Date(clock.now()).toISOString(),
    ...(request.keyspace === undefined ? {} : { keyspace: request.keyspace }),
  }
  return { plan, isBegun: false }
}

/** Writes the plan, unless somebody else has written one in this moment, which then counts. */
export const beginReplay = async (
  { plan, isBegun }: PreparedReplay,
  { request, kafka, admin }: Pick<PrepareOptions, 'request' | 'kafka' | 'admin'>,
): Promise<ReplayPlan> => (isBegun ? plan : requireSame(await writePlan(kafka, admin, plan), request))

const requireSame = (plan: ReplayPlan, request: ReplayRequest): ReplayPlan => {
  const isSame =
    plan.target === request.target &&
    (request.from === undefined || request.from === plan.from) &&
    (request.keyspace === undefined || request.keyspace === plan.keyspace)
  if (isSame) return plan
  throw new SluiceError({
    code: 'SLUICE_REPLAY_DIFFERS',
    message: `the replay ${plan.id} was begun as ${plan.target} from ${plan.from} and cannot go on as ${request.target} from ${request.from ?? plan.from}`,
    remedy: `give the new one another --id, or drop the old one: sluice replay drop ${plan.id}`,
    details: { id: plan.id, target: plan.target, from: plan.from },
  })
}
