import { openRegistry } from '../app/adapters.ts'
import { SluiceError } from '../core/errors.ts'
import type { LetterFilter } from '../streams/dead-letters/filter.ts'
import { earlierLetters } from '../streams/dead-letters/history.ts'
import { letterIdText, parseLetterId, type LetterId } from '../streams/dead-letters/letter-id.ts'
import { DeadLetters } from '../streams/dead-letters/letters.ts'
import { shownBytes, type ShownBytes } from '../streams/dead-letters/shown-bytes.ts'
import type { LetterStatus } from '../streams/dead-letters/status.ts'
import { summarise, type LetterSummary } from '../streams/dead-letters/summary.ts'
import type { DeadLetter } from '../streams/engine/read-dead-letter.ts'
import { topologyOf, withDlqConnection, type DlqConnection } from './dlq-connection.ts'
import { selectTopologies } from './select-topologies.ts'
import { loadSettings } from './settings.ts'

/** What is parked of one topology. */
export interface TopologyLetters extends LetterSummary {
  readonly topology: string
  readonly topic: string
  /** False where nothing was ever parked, for no worker has ever run. */
  readonly exists: boolean
}

/** The dead letters of the topologies named, all when none is. */
export const listLetters = (
  names: readonly string[],
  filter: LetterFilter,
  limit: number,
): Promise<readonly TopologyLetters[]> => {
  const topologies = selectTopologies(names)
  return withDlqConnection(({ kafka, admin }) =>
    Promise.all(
      topologies.map(async topology => {
        const letters = new DeadLetters(kafka, admin, topology)
        return {
          topology: topology.name,
          topic: letters.topic,
          exists: await letters.exists(),
          ...(await summarise(letters.all(), filter, limit)),
        }
      }),
    ),
  )
}

/** A dead letter with all that can be told of it. */
export interface ShownLetter extends Omit<DeadLetter, 'key' | 'value' | 'headers'> {
  readonly id: string
  readonly key: ShownBytes | null
  readonly value: ShownBytes | null
  /** The record's own. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly status: LetterStatus | undefined
  /** What was tried before, newest first. */
  readonly earlier: readonly {
    readonly id: string
    readonly code: string
    readonly message: string
    readonly parkedAt: string
    readonly status: LetterStatus | undefined
  }[]
}

const find = async ({ kafka, admin }: DlqConnection, id: LetterId) => {
  const letters = new DeadLetters(kafka, admin, topologyOf(id))
  for await (const parked of letters.get([id])) return { letters, parked }
  throw new Error('get gives a letter for each id, or throws')
}

/** Everything about one letter. Errors: SLUICE_DLQ_LETTER_UNKNOWN, SLUICE_DLQ_ID_INVALID. */
export const showLetter = async (text: string): Promise<ShownLetter> => {
  const id = parseLetterId(text)
  const registry = openRegistry(await loadSettings(['registryUrl']))
  return withDlqConnection(async connection => {
    const { letters, parked } = await find(connection, id)
    const { key, value, headers, ...letter } = parked.letter
    return {
      id: text,
      ...letter,
      key: await shownBytes(key, registry),
      value: await shownBytes(value, registry),
      headers: headers.map(([name, bytes]) => [name, bytes.toString('utf8')] as const),
      status: parked.status,
      earlier: (await earlierLetters(letters, parked)).map(({ id: earlier, letter: before, status }) => ({
        id: letterIdText(earlier),
        code: before.code,
        message: before.message,
        parkedAt: before.parkedAt,
        status,
      })),
    }
  })
}

/** The value's bytes as they are. Errors: as `showLetter`; SLUICE_DLQ_NO_VALUE where there are none. */
export const rawValue = (text: string): Promise<Buffer> =>
  withDlqConnection(async connection => {
    const { value, leftOut } = (await find(connection, parseLetterId(text))).parked.letter
    if (value !== null) return value
    throw new SluiceError({
      code: 'SLUICE_DLQ_NO_VALUE',
      message: `${text} has no value: ${leftOut.includes('value') ? 'it was too large to be kept' : 'its record had none'}`,
      remedy: 'look at the letter without --raw',
    })
  })
