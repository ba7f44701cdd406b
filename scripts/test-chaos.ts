// Kills and faults by chance, for long:  npm run test:chaos [-- places] [-- kills] [-- unknown]
//   SLUICE_CHAOS_ROUNDS (500)  rounds of kills, and unknown outcomes
//   SLUICE_CHAOS_SEED          repeats a run
//   SLUICE_CHAOS_STACK         a running stack to use; without it one is started, and removed afterwards
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createProgress } from '../src/cli/progress.ts'
import { stopSignal } from '../src/cli/until-stopped.ts'
import { systemClock } from '../src/core/clock.ts'
import { stackDown } from '../src/stack/down.ts'
import { layoutOf } from '../src/stack/layout.ts'
import { stackStatus } from '../src/stack/status.ts'
import type { StackUrls } from '../src/stack/types.ts'
import { stackUp } from '../src/stack/up.ts'
import { createStackReport } from '../src/cli/stack-report.ts'
import { places } from '../test/chaos/support/places.ts'
import { renderReport, writeReport } from '../test/chaos/support/report.ts'
import { runKills, runPlaces, runUnknown } from '../test/chaos/support/runs.ts'
import { openStage } from '../test/chaos/support/stage.ts'
import type { Stage } from '../test/chaos/support/stage.ts'
import { proxied } from '../test/chaos/support/unknown.ts'

const parts = ['places', 'kills', 'unknown'] as const
type Part = (typeof parts)[number]

const numberOf = (variable: string, fallback: number): number => {
  const text = process.env[variable]?.trim() ?? ''
  if (text === '') return fallback
  if (!/^[0-9]{1,9}$/.test(text)) throw new Error(`${variable}: "${text}" is not a whole number`)
  return Number(text)
}

const rounds = numberOf('SLUICE_CHAOS_ROUNDS', 500)
const seed = numberOf('SLUICE_CHAOS_SEED', systemClock.now() % 1_000_000)
const unknownParts = process.argv.slice(2).filter(text => !parts.some(part => part === text))
if (unknownParts.length > 0)
  throw new Error(`there is no part ${unknownParts.join(', ')}; there are ${parts.join(', ')}`)
const chosen = parts.filter(part => process.argv.length === 2 || process.argv.includes(part))
const run = `c${systemClock.now().toString(36).slice(-6)}`
const folder = resolve('.sluice', `chaos-${run}`)
const say = (line: string): void => void process.stdout.write(`${line}\n`)
const stopping = stopSignal()

interface Servers {
  readonly urls: StackUrls
  release(): Promise<void>
}

const provideServers = async (): Promise<Servers> => {
  const given = process.env['SLUICE_CHAOS_STACK']?.trim() ?? ''
  if (given !== '') {
    const status = await stackStatus(layoutOf(given, process.env))
    if (status?.running !== true) throw new Error(`the stack '${given}' is not running`)
    return { urls: status.urls, release: async () => {} }
  }
  const layout = layoutOf('test-chaos', process.env)
  const report = createStackReport()
  const { urls } = await stackUp(layout, {
    environment: process.env,
    clock: systemClock,
    report: report.report,
  }).finally(() => report.end())
  return {
    urls,
    release: async () => void (await stackDown(layout, { clock: systemClock, deleteAll: true })),
  }
}

const play = async (part: Part, stage: Stage): Promise<void> => {
  const progress = createProgress()
  const startedAt = systemClock.now()
  const showing =
    (all: number) =>
    (done: number, text: string): void => {
      const leftMin =
        done === 0 ? undefined : ((systemClock.now() - startedAt) / done) * (all - done) * (1 / 60_000)
      const left = leftMin === undefined ? '' : `, ${leftMin.toFixed(0)} min left`
      progress.update(`${part} ${done} of ${all}${left}: ${text}`)
    }
  try {
    if (part === 'places') await runPlaces(stage, { judgeEvery: 12, onProgress: showing(places.length) })
    const common = { onProgress: showing(rounds), signal: stopping }
    if (part === 'kills') await runKills(stage, rounds, { judgeEvery: 25, reachWithinMs: 10_000, ...common })
    if (part === 'unknown') await runUnknown(stage, rounds, { judgeEvery: 25, isQuick: false, ...common })
  } finally {
    progress.end()
  }
}

const titles: Readonly<Record<Part, string>> = {
  places: 'Every named place, each alone',
  kills: 'Kills by chance',
  unknown: 'Unknown outcomes',
}
const document: string[] = [
  '# Report of a chaos run',
  'Written by `npm run test:chaos`; [chaos.md](chaos.md) says what is done and how to read this.',
]

const runPart = async (part: Part, urls: StackUrls): Promise<boolean> => {
  const logFolder = join(folder, part)
  const stage = await openStage({
    config: {
      apiUrl: urls.api,
      postgresUrl: urls.postgres,
      kafkaBrokers: urls.kafka.split(','),
      cassandraContactPoints: urls.cassandra.split(','),
      cassandraDatacenter: urls.datacenter,
      registryUrl: urls.registry,
      keyspace: urls.keyspace,
    },
    seed,
    run: `${run}-${part}`,
    logFolder,
    // The audit reads everything each time: for hours of load there need not be more of it.
    thinkMs: 250,
    proxied: part === 'unknown' ? proxied : [],
  })
  try {
    await play(part, stage)
  } finally {
    const report = stage.report()
    const text = renderReport(report)
    writeReport(join(folder, `${part}.json`), report)
    writeFileSync(join(folder, `${part}.txt`), `${text}\n`)
    document.push(`## ${titles[part]}`, ['```', text, '```'].join('\n'))
    writeFileSync(join(folder, 'chaos-report.md'), `${document.join('\n\n')}\n`)
    say(`\n${part}\n${text}\n`)
    await stage.close()
  }
  return stage.book.violations.length === 0
}

say(`seed ${seed}: npm run test:chaos repeats this run with SLUICE_CHAOS_SEED=${seed}`)
mkdirSync(folder, { recursive: true })
const servers = await provideServers()
let isWell = true
try {
  for (const part of chosen) {
    if (stopping.aborted) break
    isWell = (await runPart(part, servers.urls)) && isWell
    if (isWell) rmSync(join(folder, part), { recursive: true, force: true })
  }
} finally {
  await servers.release()
}
say(isWell ? `reports: ${folder}` : `VIOLATIONS; reports, and the logs of each process: ${folder}`)
process.exitCode = isWell ? 0 : 1
