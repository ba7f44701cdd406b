import type { Workaround } from './types.ts'

const stream = 'src/cdc/replication-stream.ts'
const relay = 'test/integration/relay.test.ts'
const relayCrash = 'test/integration/relay-crash.test.ts'
const relayFaults = 'test/integration/relay-faults.test.ts'
const unit = 'test/cdc/replication-stream.test.ts'

/** Work-arounds of the replication module, one by one as they would be forgotten. */
export const replicationWorkarounds: readonly Workaround[] = [
  {
    name: "the library's own acknowledgement timer is off",
    why: 'it confirms what was received, although `auto` is false: rows not yet on the topic are lost',
    edits: [{ file: stream, find: 'timeoutSeconds: 0 }', replace: 'timeoutSeconds: 1 }' }],
    tests: ['test/integration/relay-acknowledgement.test.ts'],
  },
  {
    name: 'nothing is acknowledged before its Kafka transaction has committed',
    why: 'a crash in between loses the rows',
    edits: [
      {
        file: 'src/cdc/session.ts',
        find: 'await publisher.publish(recordsOf(elements, database, settings, publisher), next)\n',
        replace:
          'stream.confirm(next.confirmedLsn)\n      await publisher.publish(recordsOf(elements, database, settings, publisher), next)\n',
      },
    ],
    tests: ['test/integration/relay-acknowledgement.test.ts', relayFaults, relayCrash],
  },
  {
    name: 'one less is acknowledged',
    why: 'the library adds one: Postgres would skip a transaction whose commit record begins exactly there',
    edits: [
      {
        file: stream,
        find: 'formatLsn(this.#confirmedLsn - 1n)',
        replace: 'formatLsn(this.#confirmedLsn)',
      },
    ],
    tests: [relay],
  },
  {
    name: 'the first failure ends the stream',
    why: 'the library skips a row whose handler throws, and confirms the next one',
    edits: [
      {
        file: stream,
        find: 'this.#queue.fail(undecodable(error))',
        replace: 'throw undecodable(error)',
      },
      {
        file: stream,
        find: "service.on('error', error => this.#queue.fail(postgresError(error)))",
        replace: "service.on('error', () => {})",
      },
    ],
    tests: ['test/integration/relay-acknowledgement.test.ts'],
  },
  {
    name: 'columns stay text',
    why: 'a jsonb that is parsed and printed again is another text, and a bigint loses digits',
    edits: [
      {
        file: stream,
        find: 'for (const column of message.columns) column.parser = text => text as unknown',
        replace: 'return message',
      },
    ],
    tests: [relay],
  },
  {
    name: 'a connection on which nothing comes is given up',
    why: 'the library waits for ever for a server that has vanished',
    edits: [
      {
        file: stream,
        find: 'if (this.#silence > silentIntervals)',
        replace: 'if (this.#silence > silentIntervals * 1_000_000)',
      },
    ],
    tests: [unit],
  },
  {
    name: 'a keep-alive moves the position of a quiet database',
    why: 'else the slot keeps the log of all other databases',
    edits: [
      {
        file: stream,
        find: 'if (isIdleWorthTelling && isIdle && this.#keepaliveLsn > this.#confirmedLsn)',
        replace: 'if (isIdleWorthTelling && !isIdle && this.#keepaliveLsn > this.#confirmedLsn)',
      },
    ],
    tests: [relay],
  },
  {
    name: 'each connection starts at the slot',
    why: 'the library starts again at what it last received: rows that never reached the topic are not sent again',
    edits: [
      {
        file: stream,
        find: 'const ended = service.subscribe(plugin, slot, ',
        replace:
          "const last = globalThis as { receivedLsn?: string }\n    service.on('data', lsn => (last.receivedLsn = lsn))\n    const ended = service.subscribe(plugin, slot, last.receivedLsn ?? ",
      },
    ],
    tests: ['test/integration/relay-acknowledgement.test.ts', relayFaults],
  },
]
