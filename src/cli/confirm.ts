import { createInterface } from 'node:readline/promises'
import { SluiceError } from '../core/errors.ts'

export interface Confirmation {
  /** What will happen, as a question is asked: `drop 7 letters`. */
  readonly what: string
  /** What has to be typed. */
  readonly typed: string
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly output: NodeJS.WritableStream
}

/**
 * Asks to type something before what cannot be taken for an accident. Errors: SLUICE_CLI_NOT_CONFIRMED for anything else that is typed,
 * and where nobody can type.
 */
export const confirm = async ({ what, typed, input, output }: Confirmation): Promise<void> => {
  if (input.isTTY !== true) throw notConfirmed(`nobody can be asked whether to ${what}`)
  const asked = createInterface({ input, output, terminal: false })
  try {
    const answer = await asked.question(`This will ${what}. Type ${typed} to go on: `)
    if (answer.trim() !== typed) throw notConfirmed(`"${answer.trim()}" was typed, not ${typed}`)
  } finally {
    asked.close()
  }
}

const notConfirmed = (why: string): SluiceError =>
  new SluiceError({
    code: 'SLUICE_CLI_NOT_CONFIRMED',
    message: `nothing was done: ${why}`,
    remedy: 'give --yes when you are sure',
  })
