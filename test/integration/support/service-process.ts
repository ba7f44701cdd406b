import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { startService } from './shop.ts'
import type { ShopAddresses } from './shop.ts'

/** An order service in a process of its own, that can be killed. */
export interface ServiceProcess {
  readonly url: string
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>
}

const addressVariable = 'SLUICE_TEST_SHOP'

const exited = (child: ChildProcess): Promise<void> =>
  new Promise(resolve => {
    if (child.exitCode !== null || child.signalCode !== null) resolve()
    else child.once('exit', () => resolve())
  })

/** Starts this file as a process; resolves when the service listens. */
export const spawnService = async (addresses: ShopAddresses): Promise<ServiceProcess> => {
  const child = spawn(process.execPath, [import.meta.filename], {
    env: { ...process.env, [addressVariable]: JSON.stringify(addresses) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', resolve)
    child.once('exit', code => reject(new Error(`the service ended before it listened, code ${code}`)))
  })
  return {
    url,
    kill: async () => {
      child.kill('SIGKILL')
      await exited(child)
    },
  }
}

if (process.argv[1] === import.meta.filename) {
  const addresses = JSON.parse(process.env[addressVariable] ?? '') as ShopAddresses
  const { url } = await startService(addresses, { config: { keyLeaseMs: 1_000 } })
  process.stdout.write(`${url}\n`)
}
