import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import type { CrashPointName } from '../../src/core/crash-points.ts'
import { isStopped } from '../chaos/servers/process-tree.ts'
import { openBook, type OpenBook } from '../chaos/storm/open-book.ts'
import { startWorker, type BookWorker, type WorkerCrash } from '../chaos/storm/workers.ts'
import { until } from './kafka-support.ts'
import { createTestKeyspace, type TestKeyspace } from './support/keyspace.ts'
import { stack } from './support/stack.ts'

// Transactions time out after a quarter of an hour where nothing else is said: a test that waited for that would not end.

let keyspace: TestKeyspace
let book: OpenBook
const workers: BookWorker[] = []

const open = async (transactionTimeoutMs?: number): Promise<void> => {
  const logFolder = await mkdtemp(join(tmpdir(), 'sluice-zombie-'))
  const servers = { ...stack, keyspace: keyspace.name }
  book = await openBook({
    servers,
    seed: 1,
    clock: systemClock,
    logFolder,
    ...(transactionTimeoutMs !== undefined && { transactionTimeoutMs }),
  })
}

const start = (instance: string, crash?: WorkerCrash): BookWorker => {
  const worker = startWorker(book.launch, instance, `${instance}-${workers.length}`, crash)
  workers.push(worker)
  return worker
}

/** At the third pass, so that the first turn, which takes the tasks over, is behind it. */
const at = (place: CrashPointName, signal: WorkerCrash['signal']): WorkerCrash => ({
  signal,
  environment: { SLUICE_CRASH_AT: `${place}:3` },
})

/** What is wrong once everything has been read. */
const faults = async (): Promise<readonly string[]> => {
  await book.untilNothingIsLeft(60_000)
  return book.judge()
}

beforeEach(async () => {
  keyspace = await createTestKeyspace('zombie')
})
afterEach(async () => {
  for (const worker of workers.splice(0)) await worker.stop('SIGKILL')
  await book.close()
  await keyspace.drop()
})

const some = { perSecond: 500, count: 400 }

describe('a worker that stops in the middle of a turn and goes on when others have its tasks', () => {
  it.each<CrashPointName>([
    'effects.before',
    'transaction.opened',
    'commit.after-send',
    'commit.after-offsets',
  ])(
    'does no harm at %s',
    async place => {
      await open()
      const zombie = start('a', at(place, 'SIGSTOP'))
      await until(() => zombie.hasJoined())
      await book.write(some)
      await until(() => isStopped(zombie.pid))
      start('b')
      expect(await faults()).toEqual([])

      zombie.signal('SIGCONT')
      await until(() => zombie.said('membership lost') || zombie.ended() !== undefined)
      await book.write(some)
      expect(await faults()).toEqual([])
      expect(zombie.ended()).toBeUndefined()
    },
    180_000,
  )

  it('does none either when the broker has ended its transaction, and another process has its name', async () => {
    await open(1_000)
    const zombie = start('a', at('commit.after-offsets', 'SIGSTOP'))
    await until(() => zombie.hasJoined())
    await book.write(some)
    await until(() => isStopped(zombie.pid))
    start('a')
    expect(await faults()).toEqual([])

    zombie.signal('SIGCONT')
    await until(() => zombie.ended() !== undefined)
    expect(zombie.said('SLUICE_KAFKA_INSTANCE_FENCED')).toBe(true)
    await book.write(some)
    expect(await faults()).toEqual([])
  }, 180_000)
})

describe('a worker that is killed inside its transaction', () => {
  it('leaves its tasks to another one at once', async () => {
    await open()
    const survivor = start('b')
    await until(() => survivor.hasJoined())
    const victim = start('a', at('commit.after-offsets', 'SIGKILL'))
    await until(() => victim.hasJoined())
    await book.write(some)
    await until(() => victim.ended() !== undefined)
    expect(await faults()).toEqual([])
  }, 180_000)

  it('leaves them to one that never knew it, too', async () => {
    await open()
    const victim = start('a', at('commit.after-offsets', 'SIGKILL'))
    await until(() => victim.hasJoined())
    await book.write(some)
    await until(() => victim.ended() !== undefined)
    start('b')
    expect(await faults()).toEqual([])
  }, 180_000)
})
