import { SluiceError } from '../core/errors.ts'

/**
 * Aborts at the first SIGTERM or SIGINT, so that a long-running command can finish what it has begun; a second one
 * ends the process at once. A command that only shows things says nothing about it (`isQuiet`).
 */
export const stopSignal = (isQuiet = false): AbortSignal => {
  const controller = new AbortController()
  let signals = 0
  const onSignal = (name: NodeJS.Signals): void => {
    signals += 1
    if (signals > 1) process.exit(name === 'SIGINT' ? 130 : 143)
    if (!isQuiet) process.stderr.write(`${name}: finishing what is under way; once more ends at once\n`)
    controller.abort(new SluiceError({ code: 'SLUICE_CLI_STOPPED', message: `stopped by ${name}` }))
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  return controller.signal
}
