import type { Workaround } from './types.ts'

const transactions = 'test/integration/kafka-transactions.test.ts'
const faults = 'test/integration/kafka-faults.test.ts'
const reader = 'test/integration/kafka-reader.test.ts'
const group = 'test/integration/kafka-group.test.ts'

/** Work-arounds of the Kafka module, one by one as they would be forgotten. */
export const kafkaWorkarounds: readonly Workaround[] = [
  {
    name: 'any owner in InitProducerId',
    why: 'the client sends producer id 0 and epoch 0, so that a restarted worker is fenced',
    edits: [
      {
        file: 'src/kafka/transaction-requests.ts',
        find: '{ producerId: -1n, producerEpoch: -1 }',
        replace: '{ producerId: 0n, producerEpoch: 0 }',
      },
    ],
    tests: [transactions],
  },
  {
    name: 'aborted records are filtered out',
    why: 'the client hands out records of aborted transactions when one fetch holds two of them',
    edits: [
      {
        file: 'src/kafka/aborted-filter.ts',
        find: 'batch.isTransactional && aborting.has(batch.producerId)',
        replace: 'batch.isTransactional && aborted.length === 1 && aborting.has(batch.producerId)',
      },
    ],
    tests: [reader, 'test/kafka/aborted-filter.test.ts'],
  },
  {
    name: 'an abort marker ends its range',
    why: 'a producer that aborted once would be invisible in the rest of the fetch',
    edits: [
      {
        file: 'src/kafka/aborted-filter.ts',
        find: 'aborting.delete(batch.producerId)',
        replace: 'void aborting',
      },
    ],
    tests: [reader, 'test/kafka/aborted-filter.test.ts'],
  },
  {
    name: 'stable offsets only',
    why: 'the client reads offsets that an open transaction is about to replace: two owners process the same records',
    edits: [
      {
        file: 'src/kafka/admin.ts',
        find: 'partitions, true, timeoutMs)',
        replace: 'partitions, false, timeoutMs)',
      },
    ],
    tests: [transactions],
  },
  {
    name: 'offsets of all partitions in one request',
    why: 'the client loses all but one of offsets that are added at the same time',
    edits: [
      {
        file: 'src/kafka/transactional-producer.ts',
        find: 'this.#requests.commitOffsets(group, positions)',
        replace: 'this.#requests.commitOffsets(group, positions.slice(0, 1))',
      },
    ],
    tests: [transactions],
  },
  {
    name: 'no commit after a failed send',
    why: 'the client commits what was written before the failure: a torn transaction',
    edits: [
      {
        file: 'src/kafka/transactional-producer.ts',
        find: "this.#state = error.code === fencedCode ? 'fenced' : 'failed'\n    if (error.reaction",
        replace: "this.#state = error.code === fencedCode ? 'fenced' : 'open'\n    if (error.reaction",
      },
    ],
    tests: [transactions],
  },
  {
    name: 'all partitions are added to the transaction',
    why: 'the client merges concurrent AddPartitionsToTxn, so that only some partitions belong to the transaction',
    edits: [
      {
        file: 'src/kafka/transactional-producer.ts',
        find: 'this.#addPartitions(rounds[0] ?? [])',
        replace: 'this.#addPartitions((rounds[0] ?? []).slice(0, 1))',
      },
    ],
    tests: [transactions],
  },
  {
    name: 'no second between transactions',
    why: 'while markers are being written the client waits a second before it tries again',
    edits: [
      {
        file: 'src/kafka/classify.ts',
        find: "['CONCURRENT_TRANSACTIONS', 'again-soon']",
        replace: "['CONCURRENT_TRANSACTIONS', 'again']",
      },
      {
        file: 'src/kafka/retry.ts',
        find: ': Math.min(20 * 2 ** tries, 1000)',
        replace: ': 1000',
      },
    ],
    tests: [transactions],
  },
  {
    name: 'the partition is the one of the Java clients',
    why: "the client's default partitioner shifts where Java masks the sign, so that keys meet in another partition",
    edits: [
      {
        file: 'src/kafka/partitioner.ts',
        find: '(murmur2(key) & 0x7fffffff)',
        replace: '(murmur2(key) >>> 0)',
      },
    ],
    tests: ['test/kafka/partitioner.test.ts'],
  },
  {
    name: 'a partition count is asked for anew',
    why: 'the client keeps its metadata, so that added partitions are noticed late',
    edits: [
      {
        file: 'src/kafka/metadata.ts',
        find: 'const response = await this.#request(topics)',
        replace:
          'const kept = (topics ?? []).flatMap(name => this.#topics.get(name) ?? [])\n    if (topics !== null && kept.length === topics.length) return kept\n    const response = await this.#request(topics)',
      },
    ],
    tests: [reader],
  },
  {
    name: 'a commit whose reply was lost is unknown',
    why: 'it may have been applied: whoever takes it for failed runs the turn twice',
    edits: [
      {
        file: 'src/kafka/transactional-producer.ts',
        find: "if (isReplyLost(error)) return 'unknown'",
        replace: "if (isReplyLost(error)) return 'aborted'",
      },
    ],
    tests: [faults],
  },
  {
    name: 'a new epoch after a lost reply',
    why: 'a delayed request of the last transaction would act on the next one (KAFKA-17754)',
    edits: [
      {
        file: 'src/kafka/transactional-producer.ts',
        find: 'if (this.#requests.replyLost) await this.#renewEpoch()',
        replace: 'void this.#requests.replyLost',
      },
    ],
    tests: [faults],
  },
  {
    name: 'an epoch is renewed only by its owner',
    why: 'a zombie that aborts would take the id back from its new owner',
    edits: [
      {
        file: 'src/kafka/transactional-producer.ts',
        find: 'await this.#initialise(this.#requests.identity)',
        replace: 'await this.#initialise(anyOwner)',
      },
      {
        file: 'src/kafka/transactional-producer.ts',
        find: 'await this.#endAborted(this.#cluster.operationTimeoutMs)\n',
        replace: '',
      },
    ],
    tests: [transactions],
  },
  {
    name: 'a batch that was written before counts as written',
    why: 'a repeated Produce whose first reply was lost is answered as a duplicate, not as an error',
    edits: [
      {
        file: 'src/kafka/produce-round.ts',
        find: "id === 'NONE' || id === 'DUPLICATE_SEQUENCE_NUMBER'",
        replace: "id === 'NONE'",
      },
      {
        file: 'src/kafka/transactional-producer.ts',
        find: 'encodeRecordBatch(records, { ...identity, baseSequence }',
        replace: 'encodeRecordBatch(records, { ...identity, baseSequence: 0 }',
      },
    ],
    tests: [faults, transactions],
  },
  {
    name: 'offsets are sent again in the same transaction',
    why: 'after a rebalance the client can commit nothing that it had buffered',
    edits: [
      {
        file: 'src/kafka/transactional-producer.ts',
        find: "if (error.code === staleGenerationCode || this.#state === 'new') return error",
        replace: "if (this.#state === 'new') return error",
      },
    ],
    tests: [transactions],
  },
  {
    name: 'the transaction timeout is passed on',
    why: 'the client sends its request timeout instead: transactions end early, or hold up readers for longer than asked',
    edits: [
      {
        file: 'src/kafka/transaction-requests.ts',
        find: 'transactionTimeoutMs,\n          expected.producerId',
        replace: '60_000,\n          expected.producerId',
      },
    ],
    tests: [transactions],
  },
  {
    name: 'heartbeats go on while nothing is read',
    why: 'a member with nothing to do would be dropped by its group',
    edits: [
      {
        file: 'src/kafka/group-member.ts',
        find: 'this.#startHeartbeats()\n      return joined',
        replace: 'return joined',
      },
    ],
    tests: [group],
  },
]
