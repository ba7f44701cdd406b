import { existsSync } from 'node:fs'
import type { Config } from '../app/config.ts'
import { loadConfig } from '../app/config.ts'
import { runningStackUrls } from '../app/stack-urls.ts'

/**
 * The settings a command needs: environment, `.env` in the working directory (which never overrules the environment),
 * else the running stack.
 */
export const loadSettings = async <N extends keyof Config>(needs: readonly N[]): Promise<Pick<Config, N>> => {
  if (existsSync('.env')) process.loadEnvFile('.env')
  return loadConfig(needs, { env: process.env, stackUrls: () => runningStackUrls(process.env) })
}
