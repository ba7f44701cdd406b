import { createInterface } from 'node:readline/promises'
import { SluiceError } from '../../core/errors.ts'

/** How a user says that live may be written. */
export interface LiveFlags {
  readonly live?: boolean
  /** What would be typed at the prompt, for scripts. */
  readonly confirm?: string
}

/** Where a confirmation is typed. */
export interface Typing {
  readonly isTerminal: boolean
  ask(question: string): Promise<string>
}

const processTyping: Typing = {
  isTerminal: process.stdin.isTTY,
  ask: async question => {
    const prompt = createInterface({ input: process.stdin, output: process.stderr })
    try {
      return await prompt.question(question)
    } finally {
      prompt.close()
    }
  },
}

/**
 * Returns only when the user has said `--live` and typed the name of what will be written. Errors: SLUICE_REPLAY_NOT_CONFIRMED.
 *
 * @example await requireLive(flags, { name: 'sluice', change: 'readers of sluice will read sluice_replay_views' })
 */
export const requireLive = async (
  flags: LiveFlags,
  what: { readonly name: string; readonly change: string },
  typing: Typing = processTyping,
): Promise<void> => {
  const { name, change } = what
  if (flags.live !== true) throw notConfirmed(change, `add --live, and type ${name} when asked`)
  if (flags.confirm === undefined && !typing.isTerminal)
    throw notConfirmed(change, `nobody can be asked here: add --confirm ${name}`)
  const typed =
    flags.confirm ?? (await typing.ask(`This changes what is live: ${change}.\nType ${name} to go on: `))
  if (typed.trim() !== name) throw notConfirmed(change, `type ${name}, not "${typed.trim()}"`)
}

const notConfirmed = (change: string, remedy: string): SluiceError =>
  new SluiceError({
    code: 'SLUICE_REPLAY_NOT_CONFIRMED',
    message: `this changes what is live (${change}) and was not confirmed; nothing was written`,
    remedy,
    details: { change },
  })
