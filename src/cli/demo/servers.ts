import { serverSettings } from '../../app/adapters.ts'
import type { ServerConfig } from '../../app/adapters.ts'
import { loadConfig, variableOf } from '../../app/config.ts'
import type { Config } from '../../app/config.ts'
import { stackNameOf } from '../../app/stack-urls.ts'
import type { Clock } from '../../core/clock.ts'
import { stackDown } from '../../stack/down.ts'
import { layoutOf } from '../../stack/layout.ts'
import { stackUp } from '../../stack/up.ts'
import { createStackReport } from '../stack-report.ts'

/** The servers a demonstration runs on. */
export interface DemoServers {
  readonly config: ServerConfig & Pick<Config, 'apiUrl'>
  /** Stops them if this demonstration started them; those that ran before go on. */
  release(): Promise<void>
}

const needs = [...serverSettings, 'apiUrl'] as const

/** Servers from the environment when it names all of them, else a stack on this machine, started if it is not running. */
export const provideServers = async (
  environment: NodeJS.ProcessEnv,
  clock: Clock,
  signal: AbortSignal,
): Promise<DemoServers> => {
  const isGiven = needs.every(name => (environment[variableOf(name)]?.trim() ?? '') !== '')
  if (isGiven) {
    const config = await loadConfig(needs, { env: environment, stackUrls: async () => undefined })
    return { config, release: async () => {} }
  }
  const layout = layoutOf(stackNameOf(environment), environment)
  const report = createStackReport()
  const { urls, started } = await stackUp(layout, {
    environment,
    clock,
    signal,
    report: report.report,
  }).finally(() => report.end())
  return {
    config: await loadConfig(needs, { env: environment, stackUrls: async () => urls }),
    release: async () => {
      if (started.length > 0) await stackDown(layout, { clock })
    },
  }
}
