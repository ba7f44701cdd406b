import {
  addOffsetsToTxnV4,
  addPartitionsToTxnV3,
  Connection,
  describeClusterV1,
  endTxnV4,
  findCoordinatorV3,
  findCoordinatorV4,
  heartbeatV4,
  initProducerIdV5,
  joinGroupV9,
  leaveGroupV5,
  listOffsetsV7,
  metadataV12,
  offsetCommitV8,
  offsetFetchV8,
  syncGroupV5,
  txnOffsetCommitV4,
} from '@platformatic/kafka'
import { afterEach, describe, expect, test } from 'vitest'
import { errorIdOf } from '../../src/kafka/classify.ts'
import { fetchApi, produceApi } from '../../src/kafka/requests.ts'
import { addressOf } from '../../src/testing/fault-proxy.ts'
import { startKafkaFaultProxy } from '../../src/testing/index.ts'
import { KafkaWriter } from '../../src/testing/kafka/wire.ts'
import { kafkaFrame } from './support/frames.ts'
import { startTestServer } from './support/server.ts'

// The real client encodes the requests and decodes what the proxy answers in a broker's place.

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

const connectThrough = async (reply?: (frame: Buffer) => Buffer) => {
  const server = await startTestServer(reply)
  const proxy = await startKafkaFaultProxy(server.address)
  const connection = new Connection('test', { requestTimeout: 5_000 })
  // The client reports a broken socket as an event too.
  connection.on('error', () => {})
  const { host, port } = addressOf(proxy.address)
  await connection.connect(host, port)
  closing.push(
    () => server.close(),
    () => proxy.close(),
    () => connection.close(),
  )
  return { server, proxy, connection }
}

const topics = [{ name: 'orders', partitions: [0, 3] }]
const positions = [0, 3].map(partitionIndex => ({
  partitionIndex,
  committedOffset: 7n,
  committedLeaderEpoch: -1,
  committedMetadata: null,
}))

const calls: [name: string, call: (connection: Connection) => Promise<unknown>][] = [
  [
    'ListOffsets',
    connection =>
      listOffsetsV7.api.async(connection, -1, 1, [
        { name: 'orders', partitions: [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -1n }] },
      ]),
  ],
  [
    'OffsetCommit',
    connection =>
      offsetCommitV8.api.async(connection, 'group', 3, 'member', null, [
        { name: 'orders', partitions: positions },
      ]),
  ],
  [
    'OffsetFetch',
    connection =>
      offsetFetchV8.api.async(
        connection,
        [
          {
            groupId: 'group',
            memberId: null,
            memberEpoch: -1,
            topics: [{ name: 'orders', partitionIndexes: [0] }],
          },
        ],
        true,
      ),
  ],
  ['FindCoordinator', connection => findCoordinatorV4.api.async(connection, 0, ['group'])],
  [
    'JoinGroup',
    connection =>
      joinGroupV9.api.async(connection, 'group', 6_000, 6_000, '', null, 'consumer', [
        { name: 'test', metadata: Buffer.from('data') },
      ]),
  ],
  [
    'SyncGroup',
    connection => syncGroupV5.api.async(connection, 'group', 1, 'member', null, 'consumer', 'test', []),
  ],
  ['Heartbeat', connection => heartbeatV4.api.async(connection, 'group', 1, 'member', null)],
  ['LeaveGroup', connection => leaveGroupV5.api.async(connection, 'group', [{ memberId: 'member' }])],
  ['InitProducerId', connection => initProducerIdV5.api.async(connection, 'id', 60_000, -1n, -1)],
  [
    'AddPartitionsToTxn',
    connection =>
      addPartitionsToTxnV3.api.async(connection, [
        { transactionalId: 'id', producerId: 1n, producerEpoch: 0, verifyOnly: false, topics },
      ]),
  ],
  ['AddOffsetsToTxn', connection => addOffsetsToTxnV4.api.async(connection, 'id', 1n, 0, 'group')],
  ['EndTxn', connection => endTxnV4.api.async(connection, 'id', 1n, 0, true)],
  [
    'TxnOffsetCommit',
    connection =>
      txnOffsetCommitV4.api.async(connection, 'id', 'group', 1n, 0, 3, 'member', null, [
        { name: 'orders', partitions: positions },
      ]),
  ],
]

describe('an error is answered where the client looks for it:', () => {
  test.each(calls)('%s', async (api, call) => {
    const { proxy, connection, server } = await connectThrough()
    const injected = proxy.inject({ api, fault: { kind: 'answer', error: { code: 15 } } })
    const error: unknown = await call(connection).catch((failure: unknown) => failure)
    expect(errorIdOf(error)).toBe('COORDINATOR_NOT_AVAILABLE')
    await injected.done
    expect(server.seen).toEqual([])
  })

  test('Produce, at each partition', async () => {
    const { proxy, connection } = await connectThrough()
    proxy.inject({ api: 'Produce', fault: { kind: 'answer', error: { code: 6 } } })
    const partitions = [0, 3].map(partition => ({ partition, batch: Buffer.from(`batch of ${partition}`) }))
    const results = await produceApi.async(connection, 'id', 1_000, [{ name: 'orders', partitions }])
    expect(results).toEqual([0, 3].map(partition => ({ topic: 'orders', partition, errorCode: 6 })))
  })

  test('Fetch, as a whole', async () => {
    const { proxy, connection } = await connectThrough()
    proxy.inject({ api: 'Fetch', fault: { kind: 'answer', error: { code: 6 } } })
    const fetched = await fetchApi.async(connection, 100, 1, 1_000, 1, 0, -1, [], [], '')
    expect(fetched).toEqual({ errorCode: 6, partitions: [] })
  })

  test('nowhere, for an API that the proxy does not know: whoever waits is told', async () => {
    const { proxy, connection } = await connectThrough()
    const injected = proxy.inject({ api: 'Metadata', fault: { kind: 'answer', error: { code: 6 } } })
    const answered = metadataV12.api.async(connection, [], false, false).then(
      () => true,
      () => false,
    )
    await expect(injected.done).rejects.toMatchObject({ code: 'SLUICE_TESTING_NO_ANSWER' })
    expect(await answered).toBe(false)
  })
})

describe('a broker is named by its proxy in', () => {
  const replyWith = (write: (writer: KafkaWriter) => KafkaWriter) => (frame: Buffer) =>
    kafkaFrame({ id: frame.readInt32BE(8), body: write(new KafkaWriter().tags()).toBuffer(), isReply: true })
  /** The address that the server gives itself is only known once it listens. */
  const through = async (write: (writer: KafkaWriter, host: string, port: number) => KafkaWriter) => {
    let own = { host: '', port: 0 }
    const made = await connectThrough(replyWith(writer => write(writer, own.host, own.port)))
    own = addressOf(made.server.address)
    return { ...made, proxied: addressOf(made.proxy.address) }
  }

  test('Metadata', async () => {
    const { connection, proxied } = await through((writer, host, port) =>
      writer
        .int32(0)
        .array([host, 'elsewhere'], name => {
          writer
            .int32(name === host ? 1 : 2)
            .string(name)
            .int32(port)
            .string(undefined)
            .tags()
        })
        .string('cluster')
        .int32(1)
        .unsignedVarint(1)
        .tags(),
    )
    const { brokers, clusterId } = await metadataV12.api.async(connection, [], false, false)
    expect(brokers).toMatchObject([
      { nodeId: 1, ...proxied },
      { nodeId: 2, host: 'elsewhere' },
    ])
    expect(clusterId).toBe('cluster')
  })

  test('FindCoordinator', async () => {
    const { connection, proxied } = await through((writer, host, port) =>
      writer
        .int32(0)
        .array(['group'], key =>
          writer.string(key).int32(1).string(host).int32(port).int16(0).string(undefined).tags(),
        )
        .tags(),
    )
    const { coordinators } = await findCoordinatorV4.api.async(connection, 0, ['group'])
    expect(coordinators).toMatchObject([{ key: 'group', ...proxied }])
  })

  test('an older FindCoordinator', async () => {
    const { connection, proxied } = await through((writer, host, port) =>
      writer.int32(0).int16(0).string(undefined).int32(1).string(host).int32(port).tags(),
    )
    const response = await findCoordinatorV3.api.async(connection, 0, ['group'])
    expect(JSON.stringify(response)).toContain(`${proxied.port}`)
  })

  test('DescribeCluster', async () => {
    const { connection, proxied } = await through((writer, host, port) =>
      writer
        .int32(0)
        .int16(0)
        .string(undefined)
        .int8(1)
        .string('cluster')
        .int32(1)
        .array([1], node => writer.int32(node).string(host).int32(port).string(undefined).tags())
        .int32(0)
        .tags(),
    )
    const { brokers } = await describeClusterV1.api.async(connection, false, 1)
    expect(brokers).toMatchObject([proxied])
  })
})
