import type { Interner } from './intern.ts'
import { portsOver } from './ports.ts'
import type { Ports } from './ports.ts'
import type { Program, Report } from './processes.ts'
import type { Operation, Reply } from './tables.ts'

/**
 * Where a process stands. Its code is deterministic and knows the world by answers alone, so what it was answered says where it is,
 * whatever others did: two states with equal tables and equal histories are one.
 */
export interface Position {
  readonly program: number
  /** Requests it waits for, in the order in which they were sent. */
  readonly pending: readonly number[]
  readonly report: Readonly<Report>
}

/**
 * Where all that a process goes on from is in its open requests and in what `key` holds, whatever it was answered before: it has
 * reserved and asks Postgres, or it removes its intent, which is the last it does. Beside that it only rolls, where each
 * request holds all that the next is made of.
 */
const isCut = (pending: readonly Operation[]): boolean =>
  pending.some(({ table, does }) => table === 'orders' || does === 'remove')

/** Histories of all processes as trees, grown by running the code. */
export interface Histories {
  /** A program's number; equal keys are the same program. */
  program(key: string, program: Program): number
  get(position: number): Position
  /** -1 while it is not known; `grow` finds out. */
  start(program: number): number
  /** The position after an answer to the `index`-th pending request; `lost` for none. -1 while it is not known. */
  after(position: number, index: number, reply: number): number
  /** A process that is no more, and what it had told. */
  ended(position: number): number
  grow(): Promise<void>
  /** Positions found by running the code. */
  readonly runs: number
}

/** The number of no answer. */
export const lost = -1

// Above any length that a process comes to by itself.
const longestHistory = 80

interface Wanted {
  readonly program: number
  readonly history: readonly { readonly index: number; readonly reply: number }[]
  readonly keep: (position: number) => void
}

// Comes after all microtasks, those that they queue included; nothing that is run here waits for anything else.
const quiet = (): Promise<void> => new Promise(resolve => process.nextTick(resolve))

/** @param adapt Puts something else in place of the ports, to see it found. */
export const createHistories = (
  operations: Interner<Operation>,
  replies: Interner<Reply>,
  adapt: (ports: Ports) => Ports = ports => ports,
): Histories => {
  const numbers = new Map<string, number>()
  const programs: Program[] = []
  const starts: number[] = []
  const positions: Position[] = []
  const children: Map<number, number>[] = []
  const histories: Wanted['history'][] = []
  const ends = new Map<string, number>()
  const cuts = new Map<string, number>()
  let wanted: Wanted[] = []
  let runs = 0

  const endOf = ({ program, report }: Position): number => {
    const key = `${program} ${report.told} ${report.alarm ?? ''}`
    const known = ends.get(key)
    if (known !== undefined) return known
    positions.push({ program, pending: [], report: { ...report, isReserving: false } })
    children.push(new Map())
    histories.push([])
    ends.set(key, positions.length - 1)
    return positions.length - 1
  }

  const run = async ({ program, history, keep }: Wanted): Promise<void> => {
    runs++
    const report: Report = { told: 'nothing', isReserving: false, alarm: undefined }
    const open: { readonly operation: number; readonly resolve: (reply: Reply | undefined) => void }[] = []
    const ports = portsOver(
      operation =>
        new Promise(resolve => {
          open.push({ operation: operations.id(operation), resolve })
        }),
    )
    const rolled: string[] = []
    let isOver = false
    const running = (programs[program] as Program)(adapt(ports), report)
    running.then(
      () => {
        isOver = true
      },
      (error: unknown) => {
        report.alarm ??= String(error)
        isOver = true
      },
    )
    await quiet()
    for (const { index, reply } of history) {
      const [answered] = open.splice(index, 1)
      const operation = answered === undefined ? undefined : operations.get(answered.operation)
      if (operation?.does === 'change' && operation.to.closed) rolled.push(operation.sku)
      answered?.resolve(reply === lost ? undefined : replies.get(reply))
      await quiet()
    }
    if (open.length === 0 && !isOver) throw new Error('a process waits for something that is not explored')
    if (history.length > longestHistory) report.alarm ??= 'it goes on and on'
    const position = { program, pending: open.map(one => one.operation), report: { ...report } }
    if (isOver && open.length === 0) {
      keep(endOf(position))
      return
    }
    if (isCut(position.pending.map(id => operations.get(id)))) {
      const { told, isReserving, alarm } = report
      const unanswered = history.filter(({ reply }) => reply === lost).length
      const key = [program, position.pending, told, isReserving, alarm, unanswered, rolled.toSorted()].join(
        '|',
      )
      const known = cuts.get(key)
      if (known !== undefined) {
        keep(known)
        return
      }
      cuts.set(key, positions.length)
    }
    positions.push(position)
    children.push(new Map())
    histories.push(history)
    keep(positions.length - 1)
  }

  return {
    program: (key, program) => {
      const known = numbers.get(key)
      if (known !== undefined) return known
      numbers.set(key, programs.length)
      programs.push(program)
      starts.push(-1)
      return programs.length - 1
    },
    get: position => positions[position] as Position,
    start: program => {
      const known = starts[program] as number
      if (known === -1) {
        wanted.push({
          program,
          history: [],
          keep: position => {
            starts[program] = position
          },
        })
      }
      return known
    },
    after: (position, index, reply) => {
      const edge = index * 2 ** 32 + reply + 1
      const known = (children[position] as Map<number, number>).get(edge)
      if (known !== undefined) return known
      const { program } = positions[position] as Position
      wanted.push({
        program,
        history: [...(histories[position] as Wanted['history']), { index, reply }],
        keep: next => children[position]?.set(edge, next),
      })
      return -1
    },
    ended: position => endOf(positions[position] as Position),
    grow: async () => {
      const now = wanted
      wanted = []
      for (const one of now) await run(one)
    },
    get runs() {
      return runs
    },
  }
}
