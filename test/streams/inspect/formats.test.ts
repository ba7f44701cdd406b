import { readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { documentOf, fileOf, topologyFile } from '../../../src/streams/inspect/document.ts'
import { renderDot } from '../../../src/streams/inspect/render-dot.ts'
import { renderMermaid } from '../../../src/streams/inspect/render-mermaid.ts'
import { topologies } from '../../../topology/index.ts'
import { counting } from './support/topologies.ts'

const documents = Object.values(topologies).map(documentOf)

describe('the JSON description', () => {
  const schemaPath = new URL('../../../docs/topology.schema.json', import.meta.url)

  test('has the documented shape', () => {
    const schema = z.toJSONSchema(topologyFile, { target: 'draft-7' })
    expect(JSON.parse(readFileSync(schemaPath, 'utf8'))).toEqual(schema)
  })

  test('of every topology fits its schema, and reads back as it was', () => {
    const file = JSON.parse(JSON.stringify(fileOf(documents))) as unknown
    const validate = new Ajv({ strict: false }).compile(
      JSON.parse(readFileSync(schemaPath, 'utf8')) as object,
    )
    validate(file)
    expect(validate.errors ?? []).toEqual([])
    expect(topologyFile.parse(file)).toEqual(fileOf(documents))
  })

  test('says what a later version is compared with', () => {
    expect(documentOf(counting())).toMatchObject({
      name: 'counting',
      topics: [
        { name: 'words', kind: 'external', key: { kind: 'named', name: 'utf8' }, partitions: 4 },
        { name: 'by-word-repartition', brokerName: 'counting-by-word-repartition', partitions: null },
        { name: 'counts', eventId: 'derived' },
      ],
      stores: [
        {
          name: 'word-counts',
          changelog: 'counting-word-counts-changelog',
          value: { kind: 'avro', schema: { name: 'Count' } },
          retentionMs: null,
          subTopology: 1,
        },
      ],
    })
  })
})

test('the Mermaid chart', () => {
  expect(renderMermaid([documentOf(counting())])).toBe(`flowchart TD
  topic_words[/"words"/]
  topic_counting_by_word_repartition[\\"counting-by-word-repartition"\\]
  topic_counts[/"counts"/]
  subgraph box_counting_0["sub-topology 0"]
    counting_0_by_word_repartition_sink>"by-word-repartition-sink"]
  end
  subgraph box_counting_1["sub-topology 1"]
    counting_1_count_words["count-words"]
    counting_1_store_word_counts[("word-counts")]
    counting_1_announce{{"announce"}}
    counting_1_write_counts>"write-counts"]
  end
  topic_words --> counting_0_by_word_repartition_sink
  counting_0_by_word_repartition_sink --> topic_counting_by_word_repartition
  topic_counting_by_word_repartition --> counting_1_count_words
  counting_1_count_words --> counting_1_announce
  counting_1_count_words --> counting_1_write_counts
  counting_1_count_words -.- counting_1_store_word_counts
  counting_1_write_counts --> topic_counts
`)
})

test('the graph for Graphviz', () => {
  expect(renderDot([documentOf(counting())])).toBe(`digraph "counting" {
  rankdir=TB;
  node [fontname="monospace", fontsize=11];
  topic_words [label="words", tooltip="topic words", shape=cds];
  topic_counting_by_word_repartition [label="counting-by-word-repartition", tooltip="repartition topic counting-by-word-repartition", shape=cds, style=dashed];
  topic_counts [label="counts", tooltip="topic counts", shape=cds];
  subgraph cluster_box_counting_0 {
    label="sub-topology 0";
    labeljust=l;
    counting_0_by_word_repartition_sink [label="by-word-repartition-sink", tooltip="sink by-word-repartition-sink: writes by-word-repartition", shape=invhouse];
  }
  subgraph cluster_box_counting_1 {
    label="sub-topology 1";
    labeljust=l;
    counting_1_count_words [label="count-words", tooltip="step count-words", shape=box, style=rounded];
    counting_1_store_word_counts [label="word-counts", tooltip="store word-counts: changelog counting-word-counts-changelog, kept until deleted", shape=cylinder];
    counting_1_announce [label="announce", tooltip="effect announce: calls announce; may run twice: the reader keeps the last", shape=hexagon];
    counting_1_write_counts [label="write-counts", tooltip="sink write-counts: writes counts", shape=invhouse];
  }
  topic_words -> counting_0_by_word_repartition_sink;
  counting_0_by_word_repartition_sink -> topic_counting_by_word_repartition;
  topic_counting_by_word_repartition -> counting_1_count_words;
  counting_1_count_words -> counting_1_announce;
  counting_1_count_words -> counting_1_write_counts;
  counting_1_count_words -> counting_1_store_word_counts [style=dotted, dir=none];
  counting_1_write_counts -> topic_counts;
}
`)
})
