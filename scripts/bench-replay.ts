// How much faster than live is a replay?  npm run bench:replay [-- <orders>]
// Orders run through the whole system on a stack of their own; then what they left on the logs is replayed, target by target.
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import type { DemoResult } from '../src/cli/demo/run.ts'
import type { ReplayRunResult } from '../src/cli/replay/run.ts'
import type { Comparison } from '../src/replay/difference.ts'

const stackName = 'bench-replay'
const orders = Number(process.argv[2] ?? 20_000)
const wantedRatio = 5
const main = resolve(import.meta.dirname, '../src/cli/main.ts')

const say = (line: string): void => void process.stdout.write(`${line}\n`)

const sluice = (...args: readonly string[]): string => {
  const { status, stdout } = spawnSync(process.execPath, [main, ...args], {
    env: { ...process.env, SLUICE_STACK: stackName },
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (status !== 0) throw new Error(`sluice ${args.join(' ')} ended with ${status}\n${stdout}`)
  return stdout
}

const perSecond = (records: number, durationMs: number): number => Math.round((records * 1_000) / durationMs)

const measure = (): number => {
  const live = JSON.parse(sluice('demo', '--orders', String(orders), '--json')) as DemoResult
  const liveMs = live.sendingMs + live.settlingMs
  let lowest = Infinity
  for (const target of ['ledger', 'views', 'orders']) {
    const { report } = JSON.parse(sluice('replay', 'run', target, '--json')) as ReplayRunResult
    if (report === undefined) throw new Error(`the replay of ${target} gave no report`)
    // The same records: live from the first order sent to the last one's end, replayed from the start of the process's work.
    const ratio = liveMs / report.durationMs
    lowest = Math.min(lowest, ratio)
    const { isEqual } = JSON.parse(sluice('replay', 'compare', target, '--json')) as Comparison
    say(
      `${target.padEnd(7)} ${report.records} records: live ${perSecond(report.records, liveMs)}/s, ` +
        `replay ${perSecond(report.records, report.durationMs)}/s, ratio ${ratio.toFixed(1)}${isEqual ? ', equal' : ', NOT EQUAL'}`,
    )
  }
  return lowest
}

sluice('stack', 'up')
try {
  const lowest = measure()
  say(`lowest ratio ${lowest.toFixed(1)}; wanted ${wantedRatio}`)
  if (lowest < wantedRatio) process.exitCode = 1
} finally {
  sluice('stack', 'down', '--delete')
}
