import type { Broker } from '@platformatic/kafka'
import { errorIdOfCode, errorOfId, handlingOf, handlingOfId, kafkaError } from './classify.ts'
import type { Handling } from './classify.ts'
import type { Cluster } from './cluster.ts'
import type { Lane } from './lane.ts'
import { groupByLeader } from './leaders.ts'
import { positionKey } from './positions.ts'
import { produceApi } from './requests.ts'
import type { ProducePartition, ProduceTopic } from './requests.ts'
import { pauseMs } from './retry.ts'

/** A batch with its sequence number in it; repeating it means sending the same bytes again. */
export interface EncodedBatch {
  readonly topic: string
  readonly partition: number
  readonly batch: Buffer
}

interface ProduceContext {
  readonly cluster: Cluster
  readonly lane: Lane
  readonly transactionalId: string
  readonly signal: AbortSignal
}

interface Unsent {
  readonly batch: EncodedBatch
  readonly handling: Handling
  /** A Kafka error id, or what was thrown. */
  readonly error: unknown
}

const topicsOf = (batches: readonly EncodedBatch[]): ProduceTopic[] => {
  const topics = new Map<string, ProducePartition[]>()
  for (const { topic, partition, batch } of batches) {
    const known = topics.get(topic)
    if (known === undefined) topics.set(topic, [{ partition, batch }])
    else known.push({ partition, batch })
  }
  return [...topics].map(([name, partitions]) => ({ name, partitions }))
}

const refusal = ({ batch, error }: Unsent): Error => {
  const { topic, partition } = batch
  const what = `writing to ${topic}-${partition}`
  return typeof error === 'string'
    ? errorOfId(error, what, { topic, partition })
    : kafkaError(error, what, { topic, partition })
}

const sendTo = async (
  context: ProduceContext,
  leader: Broker,
  batches: readonly EncodedBatch[],
  onError: (error: unknown) => void,
): Promise<Unsent[]> => {
  try {
    const results = await context.lane.call(
      leader,
      produceApi,
      context.transactionalId,
      context.cluster.requestTimeoutMs,
      topicsOf(batches),
    )
    const codes = new Map(results.map(result => [positionKey(result), result.errorCode]))
    return batches.flatMap(batch => {
      const id = errorIdOfCode(codes.get(positionKey(batch)) ?? -1)
      // An earlier try, whose reply was lost, did write it.
      if (id === 'NONE' || id === 'DUPLICATE_SEQUENCE_NUMBER') return []
      return [{ batch, handling: handlingOfId(id), error: id }]
    })
  } catch (error) {
    onError(error)
    const handling = handlingOf(error)
    return batches.map(batch => ({ batch, handling, error }))
  }
}

/** One try of all batches; those not acknowledged come back. */
const sendOnce = async (
  context: ProduceContext,
  batches: readonly EncodedBatch[],
  onError: (error: unknown) => void,
): Promise<Unsent[]> => {
  let grouped
  try {
    grouped = await groupByLeader(context.cluster.metadata, batches)
  } catch (error) {
    return batches.map(batch => ({ batch, handling: handlingOf(error), error }))
  }
  const answers = await Promise.all(
    grouped.led.map(({ leader, items }) => sendTo(context, leader, items, onError)),
  )
  const leaderless = grouped.leaderless.map((batch): Unsent => ({
    batch,
    handling: 'find-leader',
    error: 'UNKNOWN_TOPIC_OR_PARTITION',
  }))
  return [...leaderless, ...answers.flat()]
}

/**
 * Writes at most one batch per partition, to all leaders at once, repeating the same bytes until each is acknowledged
 * by all replicas. `onError` sees what was thrown, so that the caller knows of lost replies.
 */
export const produceRound = async (
  context: ProduceContext,
  batches: readonly EncodedBatch[],
  onError: (error: unknown) => void,
): Promise<void> => {
  const { clock, operationTimeoutMs, metadata } = context.cluster
  const deadline = clock.now() + operationTimeoutMs
  let pending = batches
  for (let tries = 0; ; tries++) {
    const unsent = await sendOnce(context, pending, onError)
    const [first] = unsent
    if (first === undefined) return
    const refused = unsent.find(({ handling }) => handling === 'refuse')
    if (refused !== undefined) throw refusal(refused)
    if (clock.now() >= deadline) throw refusal(first)
    for (const { batch, handling } of unsent) {
      // A broker that does not answer may have lost its partitions to another one.
      if (handling === 'find-leader' || handling === 'find-coordinator') metadata.drop(batch.topic)
    }
    pending = unsent.map(({ batch }) => batch)
    await clock.sleep(pauseMs(first.handling, tries), context.signal)
  }
}
