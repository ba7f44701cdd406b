// Loaded into a process with `node --import`: writes what it uses, every few seconds, to the file that SLUICE_TEST_MEMORY names.
import { appendFileSync } from 'node:fs'
import { constants, PerformanceObserver, type PerformanceEntry } from 'node:perf_hooks'

const file = process.env['SLUICE_TEST_MEMORY'] ?? ''
const intervalMs = 2_000
const bytesPerMegabyte = 1_048_576

/** What a whole collection left: without it nobody can tell what stays from what was not collected yet. */
let keptMb: number | undefined

new PerformanceObserver(list => {
  const isWhole = list
    .getEntries()
    .some(
      (entry: PerformanceEntry & { readonly detail?: { readonly kind?: number } }) =>
        entry.detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR,
    )
  if (isWhole) keptMb = process.memoryUsage().heapUsed / bytesPerMegabyte
}).observe({ entryTypes: ['gc'] })

const write = (): void => {
  const { rss, heapUsed, external } = process.memoryUsage()
  const resources = process.getActiveResourcesInfo()
  const line = {
    pid: process.pid,
    'RSS MB': rss / bytesPerMegabyte,
    'heap MB': heapUsed / bytesPerMegabyte,
    ...(keptMb === undefined ? {} : { 'heap after collection MB': keptMb }),
    'external MB': external / bytesPerMegabyte,
    sockets: resources.filter(name => name.startsWith('TCP')).length,
    handles: resources.length,
  }
  appendFileSync(file, `${JSON.stringify(line)}\n`)
}

// Not in processes that these start in turn.
if (file !== '') setInterval(write, intervalMs).unref()
