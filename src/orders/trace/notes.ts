import type { LogEvidence } from './read-log.ts'
import type { PostgresEvidence } from './read-postgres.ts'
import type { OrderTrace } from './types.ts'

const seconds = (durationMs: number): string => `${(durationMs / 1_000).toFixed(1)} s`

/** What the steps do not say: why the order was given up, and what could not be read. */
export const notesOf = (
  { order }: PostgresEvidence,
  bornAt: number | undefined,
  intent: OrderTrace['intent'] | undefined,
  log: LogEvidence | undefined,
): string[] => [
  ...(order?.status === 'abandoned' ? [abandonedNote(order.createdAt, bornAt)] : []),
  ...(intent === undefined || intent === null ? [] : [intentNote(order, intent.skus)]),
  ...(log === undefined || log.missingTopics.length === 0
    ? []
    : [`topics that do not exist yet: ${log.missingTopics.join(', ')} (run \`sluice migrate\`)`]),
  ...(log === undefined || log.unread.length === 0
    ? []
    : [
        `time ran out; not read to the end: ${log.unread.map(({ topic, partition }) => `${topic}[${partition}]`).join(', ')} (give it more with --timeout)`,
      ]),
]

const abandonedNote = (abandonedAt: number, bornAt: number | undefined): string => {
  const after = bornAt === undefined ? '' : ` ${seconds(abandonedAt - bornAt)} after its request began`
  return (
    `it was given up${after}, at ${new Date(abandonedAt).toISOString()}: its request failed or died between reservation and commit, ` +
    'so its commit gave up, or a retry with its Idempotency-Key or the reaper took it for dead. What it had reserved is given back; ' +
    'it never was an order, and nothing of it is on the log'
  )
}

const intentNote = (order: PostgresEvidence['order'], skus: readonly string[]): string => {
  const of = `its intent is still there (${skus.join(', ')})`
  if (order === undefined)
    return `${of}, and Postgres has no order: the request is under way, or died; the reaper gives back what it reserved a minute after it began`
  return order.status === 'abandoned'
    ? `${of}: the reaper looks at it once more`
    : `${of}: it is removed right after the commit, else by the reaper`
}
