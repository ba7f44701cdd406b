import { systemClock } from '../core/clock.ts'
import { SluiceError } from '../core/errors.ts'
import { changelogTopicName, type Topology } from '../streams/dsl/graph.ts'
import { partitionsOf } from '../streams/inspect/log/partitions.ts'
import {
  getState,
  scanState,
  type StateGet,
  type StateScan,
  type StateSources,
} from '../streams/inspect/state/read-state.ts'
import { formatCount } from './format.ts'
import { withLogs, type LogAccess } from './inspect.ts'
import { createProgress } from './progress.ts'
import { selectTopologies } from './select-topologies.ts'
import { stopSignal } from './until-stopped.ts'

/** A store and the topic that holds its state. */
export interface ListedStore {
  readonly topology: string
  readonly store: string
  readonly changelog: string
  /** Null where the topic does not exist yet. */
  readonly partitions: number | null
  /** Offsets in the changelog: never less than the keys that the store has. */
  readonly offsets: number | null
  /** How long ended entries are kept, in event time; null: until deleted. */
  readonly retentionMs: number | null
}

/** Which keys `scan` is to show; keys as typed are UTF-8. */
export interface ScanFlags {
  readonly prefix?: string
  readonly from?: string
  readonly to?: string
  readonly partition?: number
  readonly limit: number
}

/** The stores of the topologies named, of all when none is. */
export const listStores = (names: readonly string[]): Promise<readonly ListedStore[]> => {
  const selected = selectTopologies(names)
  return withLogs(async ({ admin }) => {
    const existing = new Set(await admin.listTopics())
    const listed = selected.flatMap(topology =>
      [...topology.stores.values()].map(async ({ name, retentionMs }): Promise<ListedStore> => {
        const changelog = changelogTopicName(topology, name)
        const size = existing.has(changelog) ? await sizeOf(admin, changelog) : undefined
        return {
          topology: topology.name,
          store: name,
          changelog,
          partitions: size?.partitions ?? null,
          offsets: size?.offsets ?? null,
          retentionMs: retentionMs ?? null,
        }
      }),
    )
    return Promise.all(listed)
  })
}

/** Partitions of a topic, and how many committed offsets it holds. */
export const sizeOf = async (
  admin: LogAccess['admin'],
  topic: string,
): Promise<{ readonly partitions: number; readonly offsets: number }> => {
  const partitions = await partitionsOf(admin, [topic])
  const starts = await admin.listOffsets(partitions, 'earliest')
  const ends = await admin.listOffsets(partitions, 'latest-committed')
  const offsets = ends.reduce((sum, { offset }, index) => sum + offset - (starts[index]?.offset ?? 0), 0)
  return { partitions: partitions.length, offsets }
}

/** The committed value of a key. */
export const getStateOf = (
  topologyName: string,
  storeName: string,
  key: string,
  partition: number | undefined,
): Promise<StateGet> => {
  const store = storeOf(topologyName, storeName)
  return reading(sources => getState(sources, store, Buffer.from(key, 'utf8'), partition))
}

/** The committed entries of a store. */
export const scanStateOf = (
  topologyName: string,
  storeName: string,
  flags: ScanFlags,
): Promise<StateScan> => {
  const store = storeOf(topologyName, storeName)
  const bytesOf = (text: string | undefined): Buffer | undefined =>
    text === undefined ? undefined : Buffer.from(text, 'utf8')
  const range = { prefix: bytesOf(flags.prefix), from: bytesOf(flags.from), to: bytesOf(flags.to) }
  return reading(sources => scanState(sources, store, range, flags))
}

const reading = <T>(read: (sources: StateSources) => Promise<T>): Promise<T> =>
  withLogs(async access => {
    const progress = createProgress()
    const onRead = (records: number, of: number): void => {
      if (of > worthTelling)
        progress.update(() => `read ${formatCount(records)} of at most ${formatCount(of)}`)
    }
    try {
      return await read({ ...access, clock: systemClock, signal: stopSignal(true), onRead })
    } finally {
      progress.end()
    }
  })

const worthTelling = 20_000

const storeOf = (
  topologyName: string,
  storeName: string,
): { readonly topology: Topology; readonly store: string } => {
  const [topology] = selectTopologies([topologyName])
  if (topology?.stores.has(storeName) === true) return { topology, store: storeName }
  const names = [...(topology?.stores.keys() ?? [])]
  throw new SluiceError({
    code: 'SLUICE_CLI_USAGE',
    message: `topology ${topologyName} has no store "${storeName}"`,
    remedy:
      names.length === 0
        ? 'it keeps no state; `sluice state list` shows which stores there are'
        : `name one of: ${names.join(', ')}`,
  })
}
