// Records the logs of this version's order flow from a running, still empty stack, as later versions must replay them:
//   ./bin/sluice stack up --name recording && SLUICE_STACK=recording npm run record:logs
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { openKafka, openPostgres, openRegistry, serverSettings } from '../src/app/adapters.ts'
import { waitForQuiescence } from '../src/check/wait-for-quiescence.ts'
import { checkTargetsOf } from '../src/cli/check-system.ts'
import { startOrderSystem } from '../src/cli/demo/system.ts'
import { migrateServers } from '../src/cli/migrate.ts'
import { loadSettings } from '../src/cli/settings.ts'
import { systemClock } from '../src/core/clock.ts'
import { silentLogger } from '../src/core/log.ts'
import { createRandom } from '../src/core/random.ts'
import type { ConsumedRecord } from '../src/kafka/types.ts'
import { createShopClient } from '../src/orders/client.ts'
import { createOrdersRepository } from '../src/orders/orders-repository.ts'
import { packRecordedLog } from '../src/streams/testing/recorded-log.ts'
import * as declared from '../topology/topics.ts'
import { readCommitted, recordLogs, requireEmpty, writeAgain } from './recording/logs.ts'
import { tellStory } from './recording/story.ts'

const topics = [
  declared.outboxEvent,
  declared.orderCreated,
  declared.orderValidated,
  declared.orderConfirmed,
  declared.orderRejected,
  declared.stockMovement,
  declared.stockUpdate,
].map(({ name }) => name)

const root = resolve(import.meta.dirname, '..')
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
const folder = join(root, 'test/fixtures/logs', version)
const quietWithinMs = 120_000

const say = (line: string): void => void process.stdout.write(`${line}\n`)

/** Every seventh record of the two topics that come from elsewhere or go round in circles, and a tombstone. */
const copiesOf = (records: readonly ConsumedRecord[]): ConsumedRecord[] => {
  const [first] = records
  const copies = records.filter((_, index) => index % 7 === 0)
  return first === undefined ? copies : [...copies, { ...first, value: null }]
}

const config = await loadSettings([...serverSettings, 'apiUrl'])
await migrateServers(config, 1)
const kafka = openKafka(config, 'record-logs')
const postgres = openPostgres(config, silentLogger)
try {
  await requireEmpty(kafka, topics)
  const logFolder = mkdtempSync(join(tmpdir(), 'sluice-record-'))
  const system = startOrderSystem({ config, logFolder, clock: systemClock })
  try {
    await system.ready()
    const random = createRandom(1)
    const shop = createShopClient({ apiUrl: system.apiUrl, clock: systemClock, random: createRandom(2) })
    await tellStory({ shop, orders: createOrdersRepository(postgres), clock: systemClock, random, say })
    const targets = { ...checkTargetsOf(config), timeoutMs: quietWithinMs }
    await waitForQuiescence(targets)
    await writeAgain(kafka, copiesOf(await readCommitted(kafka, [declared.outboxEvent.name])))
    await writeAgain(kafka, copiesOf(await readCommitted(kafka, [declared.stockMovement.name])).slice(0, -1))
    await waitForQuiescence(targets)
  } finally {
    await system.stop()
  }
  const log = await recordLogs(kafka, openRegistry(config), topics)
  const packed = packRecordedLog(log)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'log.jsonl.gz'), packed)
  for (const topic of topics)
    say(`${topic}: ${log.records.filter(record => record.topic === topic).length} records`)
  say(`${packed.length} bytes in test/fixtures/logs/${version}`)
} finally {
  await kafka.close()
  await postgres.close()
}
