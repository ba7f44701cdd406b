import { isDeepStrictEqual } from 'node:util'
import type { TopicDocument, TopologyDocument } from '../document.ts'
import { demand, note, type Finding } from './finding.ts'
import { compareFormats } from './formats.ts'

/** How a topology uses a topic. */
interface Use {
  readonly reads: boolean
  readonly writes: boolean
}

const useOf = (topology: TopologyDocument, name: string): Use => {
  const nodes = topology.subTopologies.flatMap(({ nodes }) => nodes)
  const uses = (kind: 'source' | 'sink'): boolean =>
    nodes.some(node => node.kind === kind && node.topics.includes(name))
  return { reads: uses('source'), writes: uses('sink') }
}

const compareUse = (topology: string, old: TopicDocument, was: Use, is: Use): Finding[] => {
  const findings: Finding[] = []
  if (was.reads && !is.reads) {
    const what = 'is no longer read: records that are not processed yet never will be'
    const advice = `stop its writers and wait until \`sluice lag ${topology}\` shows 0 for it, then change`
    findings.push(demand('incompatible', 'topic', old.brokerName, what, advice))
  }
  if (!was.reads && is.reads)
    findings.push(note('changed', 'topic', old.brokerName, 'is read now, from its beginning'))
  if (was.writes && !is.writes)
    findings.push(note('changed', 'topic', old.brokerName, `${topology} no longer writes it`))
  if (!was.writes && is.writes)
    findings.push(note('changed', 'topic', old.brokerName, `${topology} writes it now`))
  return findings
}

const compareShape = (old: TopicDocument, next: TopicDocument): Finding[] => {
  const name = old.brokerName
  const findings: Finding[] = []
  const key = compareFormats(old.key, next.key)
  if (key.verdict === 'incompatible' || key.verdict === 'compatible') {
    const what = `the key's format changed (${key.faults.join('; ') || 'its schema changed'}): equal keys would have other bytes, and so other partitions`
    findings.push(demand('incompatible', 'topic', name, what, 'use a new topic, and replay into it'))
  }
  const value = compareFormats(old.value, next.value)
  if (value.verdict === 'incompatible') {
    const what = `the value's format changed: ${value.faults.join('; ')}`
    const advice = 'change the schema compatibly (new fields with a default), or use a new topic'
    findings.push(demand('incompatible', 'topic', name, what, advice))
  } else if (value.verdict === 'compatible') {
    findings.push(note('changed', 'topic', name, "the value's schema changed compatibly"))
  } else if (value.verdict === 'unknown') {
    const advice = 'see for yourself that the new version reads what the former wrote'
    findings.push(note('changed', 'topic', name, "the value's format is a function: not compared", advice))
  }
  if (old.partitions !== next.partitions) {
    const what = `was declared with ${old.partitions ?? 'no'} partitions, now with ${next.partitions ?? 'none'}; the topic that exists keeps its count`
    const advice = 'keep the count: with another one keys would change their partition'
    findings.push(demand('incompatible', 'topic', name, what, advice))
  }
  if (old.eventId !== next.eventId) {
    const what = `ids of events were ${old.eventId}, now ${next.eventId}: a repeated event would bear a new id`
    const advice = 'let the lag of what writes it reach 0 before the change, so that nothing is repeated'
    findings.push(demand('incompatible', 'topic', name, what, advice))
  }
  if (!isDeepStrictEqual(old.config, next.config)) {
    const advice = 'a topic that exists is not altered: set it with kafka-configs.sh'
    findings.push(note('changed', 'topic', name, 'broker settings changed', advice))
  }
  return findings
}

/** What becomes of the topics; a topic is known by its name on the broker. */
export const diffTopics = (before: TopologyDocument, after: TopologyDocument): Finding[] => {
  const oldNames = new Set(before.topics.map(({ brokerName }) => brokerName))
  const newOnes = new Map(after.topics.map(topic => [topic.brokerName, topic]))
  return [
    ...before.topics.flatMap(old => {
      const next = newOnes.get(old.brokerName)
      const was = useOf(before, old.name)
      if (next !== undefined) {
        const findings = [
          ...compareShape(old, next),
          ...compareUse(after.name, old, was, useOf(after, next.name)),
        ]
        return findings.length === 0 ? [note('survives', 'topic', old.brokerName)] : findings
      }
      if (old.kind === 'repartition') {
        const what = 'nobody owns this repartition topic any more; what is still in it would be lost'
        const advice = `before the change, wait until \`sluice lag ${before.name}\` shows 0 for it; afterwards delete it, or give the step its old name back`
        return [demand('orphaned', 'topic', old.brokerName, what, advice)]
      }
      const findings = compareUse(before.name, old, was, { reads: false, writes: false })
      return findings.map(finding => (finding.needsAction ? finding : { ...finding, fate: 'gone' as const }))
    }),
    ...after.topics
      .filter(({ brokerName }) => !oldNames.has(brokerName))
      .map(topic => {
        const { reads } = useOf(after, topic.name)
        const what = reads && topic.kind === 'external' ? 'is read from its beginning' : ''
        const advice = topic.kind === 'external' ? '`sluice migrate` creates it where it is missing' : null
        return note('new', 'topic', topic.brokerName, what, advice)
      }),
  ]
}
