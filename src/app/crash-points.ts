import { readFileSync, rmSync } from 'node:fs'
import {
  crashAt,
  crashAtRandom,
  crashPointNames,
  createCrashPoints,
  isCrashPointName,
} from '../core/crash-points.ts'
import type { CrashPointName, CrashPoints, CrashTrigger } from '../core/crash-points.ts'
import { SluiceError } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import { createRandom } from '../core/random.ts'

/** What the crash points of a process come from, and what they act on. */
export interface CrashSources {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly log: Logger
  /** Ends this process at once. Default: SIGKILL, so that nothing is flushed, closed or answered. */
  readonly die?: () => void
}

/**
 * The crash points that the environment switches on, for tests of recovery; undefined, and free of cost, without it.
 *
 * - `SLUICE_CRASH_AT=<name>[:<pass>]`: dies at the n-th time (from 1) that the place is passed.
 * - `SLUICE_CRASH_SEED=<number>` with `SLUICE_CRASH_PROBABILITY=<0 to 1>` (default 0.001): dies at any place, by chance.
 * - `SLUICE_CRASH_FILE=<path>`: dies at the `<name>[:<pass>]` that this file holds as soon as it exists; it is deleted then.
 *   So a process can be told while it runs, and does not die again when it is started again.
 *
 * Rejects wrong values with `SLUICE_CONFIG_INVALID`, and a name it does not know with the list of all.
 *
 * @example const crash = crashPointsOf({ env: process.env, log })
 */
export const crashPointsOf = ({ env, log, die = killSelf }: CrashSources): CrashPoints | undefined => {
  const at = env['SLUICE_CRASH_AT']?.trim() || undefined
  const seed = env['SLUICE_CRASH_SEED']?.trim() || undefined
  const file = env['SLUICE_CRASH_FILE']?.trim() || undefined
  const triggers: CrashTrigger[] = []
  if (at !== undefined) triggers.push(parseCrashAt(at, 'SLUICE_CRASH_AT'))
  if (seed !== undefined)
    triggers.push(randomTrigger(seed, env['SLUICE_CRASH_PROBABILITY']?.trim() || '0.001'))
  if (file !== undefined) triggers.push(fileTrigger(file))
  if (triggers.length === 0) return undefined
  log.warn(
    { at, seed, file },
    'CRASH POINTS ARE ON: this process will kill itself (SIGKILL); never in production',
  )
  // Every trigger counts every pass, whatever the others say.
  const any: CrashTrigger = name => triggers.filter(trigger => trigger(name)).length > 0
  return createCrashPoints(any, name => {
    log.error({ crashPoint: name }, 'this process kills itself at a crash point')
    die()
  })
}

const killSelf = (): void => {
  process.kill(process.pid, 'SIGKILL')
}

const invalid = (variable: string, fault: string): SluiceError =>
  new SluiceError({
    code: 'SLUICE_CONFIG_INVALID',
    message: `${variable}: ${fault}`,
    remedy: 'correct it, or unset it: crash points are for tests of recovery alone',
    details: { variable },
  })

/** `<name>[:<pass>]` as a trigger; `origin` is named in the error. */
export const parseCrashAt = (text: string, origin: string): CrashTrigger => {
  const [name = '', pass = '1', ...more] = text.split(':')
  if (!isCrashPointName(name))
    throw invalid(
      origin,
      `there is no crash point "${name}"; there are:\n    ${crashPointNames.join('\n    ')}`,
    )
  if (!/^[1-9][0-9]{0,8}$/.test(pass) || more.length > 0)
    throw invalid(origin, `"${text}" is not <name>[:<pass>] with a pass of at least 1`)
  return crashAt(name, Number(pass))
}

const randomTrigger = (seed: string, probability: string): CrashTrigger => {
  if (!/^[0-9]{1,10}$/.test(seed)) throw invalid('SLUICE_CRASH_SEED', `"${seed}" is not a whole number`)
  if (!/^(0?\.[0-9]+|0|1)$/.test(probability))
    throw invalid('SLUICE_CRASH_PROBABILITY', `"${probability}" is not a number from 0 to 1`)
  return crashAtRandom(createRandom(Number(seed)), Number(probability))
}

/** Looks at every pass; only tests pay for that. */
const fileTrigger = (path: string): CrashTrigger => {
  let armed: { readonly text: string; readonly trigger: CrashTrigger } | undefined
  return (name: CrashPointName) => {
    const text = textOf(path)
    if (text === undefined) return false
    if (armed?.text !== text) armed = { text, trigger: parseCrashAt(text, path) }
    if (!armed.trigger(name)) return false
    rmSync(path, { force: true })
    return true
  }
}

const textOf = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return undefined
  }
}
