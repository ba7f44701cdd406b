import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { SluiceError } from '../core/errors.ts'
import type { StackLayout } from './layout.ts'
import { postgresUrl } from './servers/postgres.ts'
import { registryPath } from './servers/registry.ts'
import type { StackPorts, StackUrls } from './types.ts'

/** What a stack remembers between commands. */
export interface StackState {
  readonly format: 1
  readonly ports: StackPorts
  /** Kafka's data belongs to this cluster. */
  readonly kafkaClusterId: string
  readonly keyspace: string
}

/** The remembered state; undefined for a stack that never was up. Throws SLUICE_STACK_STATE when unreadable. */
export const readState = (layout: StackLayout): StackState | undefined => {
  try {
    const state = JSON.parse(readFileSync(layout.stateFile, 'utf8')) as StackState
    if (state.format !== 1) throw new Error(`format ${String(state.format)} is unknown`)
    return state
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new SluiceError({
      code: 'SLUICE_STACK_STATE',
      message: `${layout.stateFile}, which describes the stack '${layout.name}', cannot be read`,
      remedy: `delete the folder ${layout.home} and run stack up again; the stack's data is lost then`,
      cause: error,
    })
  }
}

/** The first ports that other stacks of this cache remember, running or not. */
export const firstPortsOfOthers = (layout: StackLayout): ReadonlySet<number> => {
  const folder = dirname(layout.home)
  const first = new Set<number>()
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    const stateFile = join(folder, name, 'stack.json')
    if (name === layout.name || !existsSync(stateFile)) continue
    const { ports } = JSON.parse(readFileSync(stateFile, 'utf8')) as StackState
    first.add(ports.api)
  }
  return first
}

export const writeState = (layout: StackLayout, state: StackState): void => {
  mkdirSync(dirname(layout.stateFile), { recursive: true })
  const partial = `${layout.stateFile}.part`
  writeFileSync(partial, `${JSON.stringify(state, null, 2)}\n`)
  renameSync(partial, layout.stateFile)
}

/** Where the clients of a stack connect. */
export const urlsOf = ({ ports, keyspace }: StackState): StackUrls => ({
  api: `http://127.0.0.1:${ports.api}`,
  postgres: postgresUrl(ports.postgres),
  kafka: `127.0.0.1:${ports.kafka}`,
  cassandra: `127.0.0.1:${ports.cassandra}`,
  datacenter: 'datacenter1',
  registry: `http://127.0.0.1:${ports.registry}${registryPath}`,
  keyspace,
})
