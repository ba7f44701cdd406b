import type { StoreDocument, TopologyDocument } from '../document.ts'
import { retentionText } from '../picture/graph.ts'
import { demand, note, type Finding } from './finding.ts'
import { compareFormats } from './formats.ts'

const sourcesOf = (topology: TopologyDocument, store: StoreDocument): readonly string[] =>
  topology.subTopologies.find(({ id }) => id === store.subTopology)?.sourceTopics ?? []

/** Tasks of the sub-topology that holds a store, as declared; undefined where only the broker knows. */
const taskCountOf = (topology: TopologyDocument, store: StoreDocument): number | undefined => {
  const counts = sourcesOf(topology, store).flatMap(
    name => topology.topics.find(topic => topic.name === name)?.partitions ?? [],
  )
  return counts.length === 0 ? undefined : Math.max(...counts)
}

const sameSet = (one: readonly string[], other: readonly string[]): boolean =>
  one.toSorted().join('\n') === other.toSorted().join('\n')

const reset = ({ changelog }: StoreDocument): string =>
  `give the store a new name and let it be rebuilt from its input topics (replay), then delete ${changelog}`

const compareStore = (
  before: TopologyDocument,
  after: TopologyDocument,
  old: StoreDocument,
  next: StoreDocument,
): Finding[] => {
  const findings: Finding[] = []
  const key = compareFormats(old.key, next.key)
  const value = compareFormats(old.value, next.value)
  if (key.verdict === 'incompatible' || key.verdict === 'compatible') {
    const what = key.faults.length === 0 ? 'its schema changed' : key.faults.join('; ')
    findings.push(
      demand(
        'incompatible',
        'store',
        old.name,
        `the key's format changed (${what}): old entries would never be found`,
        reset(old),
      ),
    )
  }
  if (value.verdict === 'incompatible') {
    const what = `the value's format changed: ${value.faults.join('; ')}`
    const advice = `change the schema compatibly (new fields with a default), or ${reset(old)}`
    findings.push(demand('incompatible', 'store', old.name, what, advice))
  } else if (value.verdict === 'compatible') {
    findings.push(note('changed', 'store', old.name, "the value's schema changed compatibly"))
  } else if (value.verdict === 'unknown') {
    const advice = 'see for yourself that the new version reads what the former wrote'
    findings.push(
      note('changed', 'store', old.name, "the value's format is a function: not compared", advice),
    )
  }
  const [oldCount, nextCount] = [taskCountOf(before, old), taskCountOf(after, next)]
  if (oldCount !== undefined && nextCount !== undefined && oldCount !== nextCount) {
    const what = `its tasks change from ${oldCount} to ${nextCount}, and ${old.changelog} has ${oldCount} partitions`
    const advice = `keep the partition count of its input topics, or ${reset(old)}`
    findings.push(demand('incompatible', 'store', old.name, what, advice))
  } else if (!sameSet(sourcesOf(before, old), sourcesOf(after, next))) {
    const what = `was built from ${sourcesOf(before, old).join(', ')}, now from ${sourcesOf(after, next).join(', ')}`
    const advice =
      'entries stay in their partitions: the new input must be partitioned by the same key, in equal counts'
    findings.push(note('changed', 'store', old.name, what, advice))
  }
  if (old.retentionMs !== next.retentionMs) {
    const what = `was ${retentionText(old.retentionMs)}, now ${retentionText(next.retentionMs)}`
    const isShorter = (next.retentionMs ?? Infinity) < (old.retentionMs ?? Infinity)
    const advice = isShorter ? 'entries older than that are deleted by the next writes' : null
    findings.push(note('changed', 'store', old.name, what, advice))
  }
  return findings.length === 0 ? [note('survives', 'store', old.name, `with ${old.changelog}`)] : findings
}

const looksLike = (one: StoreDocument, other: StoreDocument): boolean =>
  compareFormats(one.key, other.key).verdict === 'equal' &&
  compareFormats(one.value, other.value).verdict === 'equal'

/** What becomes of the stores; a store is known by its changelog. */
export const diffStores = (before: TopologyDocument, after: TopologyDocument): Finding[] => {
  const oldOnes = new Map(before.stores.map(store => [store.changelog, store]))
  const newOnes = new Map(after.stores.map(store => [store.changelog, store]))
  const added = after.stores.filter(({ changelog }) => !oldOnes.has(changelog))
  return [
    ...before.stores.flatMap(old => {
      const next = newOnes.get(old.changelog)
      if (next !== undefined) return compareStore(before, after, old, next)
      const twin = added.find(store => looksLike(store, old))
      const what = `nobody owns ${old.changelog} any more${twin === undefined ? '' : `; ${twin.name} has the same formats and begins empty`}`
      const advice =
        twin === undefined
          ? `delete ${old.changelog} when its state is no longer needed`
          : `when ${twin.name} was to be the same store, give it its old name ${old.name}; else delete ${old.changelog}`
      return [demand('orphaned', 'store', old.name, what, advice)]
    }),
    ...added.map(store =>
      note(
        'new',
        'store',
        store.name,
        'begins empty',
        `where it needs what came before, rebuild the topology by replay; else it knows only what comes from now on`,
      ),
    ),
  ]
}
