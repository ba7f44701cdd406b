import type { Workaround } from './types.ts'

/** For cassandra-driver 4.10.0. */
export const cassandraWorkarounds: readonly Workaround[] = [
  {
    name: 'after an outage the known hosts are kept',
    why: 'connections double with every loss of all of them (NODEJS-681)',
    edits: [
      {
        file: 'src/cassandra/client.ts',
        find: '  keepKnownHosts(client)\n',
        replace: '',
      },
    ],
    tests: ['test/integration/cassandra-outages.test.ts'],
  },
]
