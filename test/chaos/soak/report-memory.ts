// Loaded into a process with `node --import`: writes what it uses, every few seconds, to the file that SLUICE_TEST_MEMORY names.
import { appendFileSync } from 'node:fs'

const file = process.env['SLUICE_TEST_MEMORY'] ?? ''
const intervalMs = 2_000
const bytesPerMegabyte = 1_048_576

const write = (): void => {
  const { rss, heapUsed, external } = process.memoryUsage()
  const resources = process.getActiveResourcesInfo()
  const line = {
    pid: process.pid,
    'RSS MB': rss / bytesPerMegabyte,
    'heap MB': heapUsed / bytesPerMegabyte,
    'external MB': external / bytesPerMegabyte,
    sockets: resources.filter(name => name.startsWith('TCP')).length,
    handles: resources.length,
  }
  appendFileSync(file, `${JSON.stringify(line)}\n`)
}

// Not in processes that these start in turn.
if (file !== '') setInterval(write, intervalMs).unref()
