// npm run soak: SLUICE_SOAK_MINUTES (default 30) of load with faults that pass by themselves; JSON to SLUICE_SOAK_JSON, if set.
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { stopSignal } from '../../../src/cli/until-stopped.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { openServers } from '../servers/server-control.ts'
import { growthOf } from './growth.ts'
import { renderSoak, trendsOf } from './render-soak.ts'
import { runSoak } from './run-soak.ts'

const minutes = Number(process.env['SLUICE_SOAK_MINUTES'] ?? '30')
const seed = Number(process.env['SLUICE_SOAK_SEED'] ?? '1')
const json = process.env['SLUICE_SOAK_JSON']
const servers = await openServers(process.env, systemClock)
try {
  const outcome = await runSoak({
    servers,
    seed,
    run: `soak-${randomBytes(3).toString('hex')}`,
    durationMs: minutes * 60_000,
    clients: Number(process.env['SLUICE_SOAK_CLIENTS'] ?? '6'),
    signal: stopSignal(),
    onProgress: line => process.stderr.write(`${line}\n`),
  })
  const trends = trendsOf(outcome)
  process.stdout.write(`${renderSoak(outcome, trends)}\n`)
  if (json !== undefined) writeFileSync(json, JSON.stringify({ ...outcome, series: trends }, null, 2))
  const grown = growthOf(trends)
  process.stdout.write(grown.length === 0 ? 'nothing grew that should not\n' : `GREW\n${grown.join('\n')}\n`)
  process.exitCode = outcome.report.ok && grown.length === 0 && outcome.ended.length === 0 ? 0 : 1
} finally {
  await servers.close()
}
