// npm run bench:recovery -- [--repetitions 20] [--clients 8] [--think-ms 150] [--json FILE]
// Measures; fails only when books do not balance afterwards.
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { loadavg, availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { stopSignal } from '../../../src/cli/until-stopped.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { openServers } from '../servers/server-control.ts'
import { openStage } from '../support/stage.ts'
import { measureOnce, scenarioNames, type ScenarioName } from './measure.ts'
import { openGauges } from './read-gauges.ts'
import { renderRecovery, summarize } from './summary.ts'

const { values } = parseArgs({
  options: {
    repetitions: { type: 'string', default: '20' },
    clients: { type: 'string', default: '8' },
    'think-ms': { type: 'string', default: '150' },
    json: { type: 'string' },
  },
})

const clock = systemClock
const stopping = stopSignal()
const say = (line: string): void => void process.stderr.write(`${line}\n`)
const servers = await openServers(process.env, clock)
try {
  const stage = await openStage({
    config: servers.config,
    seed: 1,
    run: `recovery-${randomBytes(3).toString('hex')}`,
    clients: Number(values.clients),
    thinkMs: Number(values['think-ms']),
  })
  const gauges = await openGauges(servers.config)
  try {
    const { system, load } = stage
    const startedAt = clock.now()
    const answeredBefore = load.record.answered
    const times = new Map<ScenarioName, number[]>(scenarioNames.map(name => [name, []]))
    for (let round = 0; round < Number(values.repetitions) && !stopping.aborted; round += 1) {
      // In turn, so that whatever else the machine does hits all alike.
      for (const name of scenarioNames) {
        const tookMs = await measureOnce(name, { system, servers, gauges, clock }, round)
        times.get(name)?.push(tookMs)
        say(`${round + 1} ${name}: ${tookMs} ms`)
      }
    }
    const answered = load.record.answered - answeredBefore
    const verdict = await stage.judge()
    const summary = {
      machine: { processors: availableParallelism(), loadAverage: loadavg()[0] ?? 0 },
      answersPerSecond: answered / ((clock.now() - startedAt) / 1_000),
      violations: verdict.violations,
      scenarios: scenarioNames.map(name => summarize(name, times.get(name) ?? [])),
    }
    process.stdout.write(`${renderRecovery(summary)}\n`)
    if (verdict.violations.length > 0) process.exitCode = 1
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(summary, null, 2)}\n`)
  } finally {
    await gauges.close()
    await stage.close()
  }
} finally {
  await servers.close()
}
