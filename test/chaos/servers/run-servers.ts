import { openStage } from '../support/stage.ts'
import type { ChaosReport } from '../support/report.ts'
import { startProbe } from './probe.ts'
import type { ServerControl } from './server-control.ts'
import { nameOf, silences, strikeOnce, type Strike } from './strike.ts'

export interface RunServersOptions {
  readonly servers: ServerControl
  readonly seed: number
  /** Names keys and SKUs. */
  readonly run: string
  readonly strikes: Iterable<Strike>
  /** A verdict after so many strikes; one more at the end. Default 5. */
  readonly strikesPerVerdict?: number
  /** A system that confirms no order for so long after a strike's end hangs. Default 120,000. */
  readonly patienceMs?: number
  readonly onProgress?: (line: string) => void
}

export interface ServersOutcome extends ChaosReport {
  /** Statuses that requests were answered with, none of them repeated. */
  readonly statuses: Readonly<Record<string, number>>
  /** Processes that ended by themselves, in words, by strike: they were started again. */
  readonly ended: readonly string[]
}

/**
 * Strikes servers and processes under load. Violations are those of the verdicts, answers that no client may see, and a system that
 * does not come back.
 */
export const runServers = async (options: RunServersOptions): Promise<ServersOutcome> => {
  const { servers, seed, run, strikesPerVerdict = 5, patienceMs = 120_000, onProgress = () => {} } = options
  const stage = await openStage({ config: servers.config, seed, run, clients: 4 })
  const { clock, book, load, system } = stage
  const probe = startProbe({ apiUrl: system.apiUrl, sku: load.shop.plenty[0] ?? '', run, clock })
  const ended: string[] = []
  let count = 0
  try {
    if ((await probe.pulse(patienceMs)) === undefined)
      throw new Error(`no order was confirmed; logs: ${system.logFolder}`)
    for (const strike of options.strikes) {
      const name = nameOf(strike)
      const before = system.deaths().length
      book.inject(strike.kind, name)
      probe.expectSilence(silences(strike))
      await strikeOnce(strike, { stage, servers })
      const tookMs = await probe.pulse(patienceMs)
      probe.expectSilence(false)
      if (tookMs === undefined) {
        book.fail(`${name}: no order was confirmed in time; logs: ${system.logFolder}`)
        break
      }
      book.recover(name, tookMs)
      for (const { name: process, exitCode, signal } of system.deaths().slice(before))
        ended.push(`${name}: ${process} ended with ${exitCode ?? signal}`)
      onProgress(`${++count} ${name}: an order is confirmed ${tookMs} ms after its end`)
      if (count % strikesPerVerdict === 0)
        onProgress(`verdict: ${(await probe.quiet(() => stage.judge())).ok ? 'ok' : 'violated'}`)
    }
    await probe.stop()
    await stage.judge()
    for (const violation of probe.violations) book.fail(violation)
    return { ...stage.report(), statuses: probe.statuses, ended }
  } finally {
    await probe.stop()
    await stage.close()
  }
}
