import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Clock } from '../../../src/core/clock.ts'
import { createRandom } from '../../../src/core/random.ts'
import { connectKafka } from '../../../src/kafka/platformatic.ts'
import type { KafkaAdmin } from '../../../src/kafka/types.ts'
import { createBook, type Book, type Move } from './book.ts'
import type { BookServers } from './book-worker.ts'
import { judgeBook } from './judge-book.ts'
import { seededMoves, writeMoves, type WritePace } from './moves.ts'
import { untilNothingIsLeft } from './progress.ts'
import { readBook } from './read-book.ts'
import type { WorkerLaunch } from './workers.ts'

export interface OpenBookOptions {
  /** The keyspace must exist, and be this book's alone. */
  readonly servers: BookServers
  readonly seed: number
  readonly clock: Clock
  readonly logFolder: string
  /** Default 2,000. */
  readonly sessionTimeoutMs?: number
  /** Default a quarter of an hour: whoever waits for a dead worker's transaction to time out does not end in time. */
  readonly transactionTimeoutMs?: number
}

/** A book of its own on real servers, its topics created. */
export interface OpenBook {
  readonly book: Book
  readonly admin: KafkaAdmin
  readonly launch: WorkerLaunch
  write(pace: WritePace): Promise<void>
  /** How many moves were written. */
  readonly moves: readonly Move[]
  /** Rejects when something is left to read after `timeoutMs`. */
  untilNothingIsLeft(timeoutMs: number): Promise<void>
  /** What is wrong with the book; nothing may be left to read. */
  judge(): Promise<readonly string[]>
  close(): Promise<void>
}

/**
 * @example const open = await openBook({ servers, seed: 1, clock: systemClock, logFolder }); startWorker(open.launch, 'a', 'a-1')
 */
export const openBook = async (options: OpenBookOptions): Promise<OpenBook> => {
  const { servers, seed, clock, sessionTimeoutMs = 2_000, transactionTimeoutMs = 15 * 60_000 } = options
  const suffix = `${seed}-${randomBytes(3).toString('hex')}`
  const book = createBook(suffix)
  const kafka = connectKafka({ brokers: [servers.kafka], clientId: `book-${suffix}` })
  const admin = kafka.admin()
  await admin.ensureTopics([book.moves, book.updates].map(({ name, partitions }) => ({ name, partitions })))
  const source = seededMoves(createRandom(seed), suffix)
  const moves: Move[] = []
  return {
    book,
    admin,
    launch: {
      servers,
      suffix,
      sessionTimeoutMs,
      transactionTimeoutMs,
      logFolder: join(options.logFolder, suffix),
    },
    moves,
    write: async pace => {
      moves.push(...(await writeMoves(source, pace, { book, kafka, registry: servers.registry, clock })))
    },
    untilNothingIsLeft: timeoutMs => untilNothingIsLeft(admin, book, clock, timeoutMs),
    judge: async () => judgeBook(moves, await readBook(kafka, servers, book)),
    close: () => kafka.close(),
  }
}
