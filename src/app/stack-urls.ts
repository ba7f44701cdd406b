import { layoutOf } from '../stack/layout.ts'
import { stackStatus } from '../stack/status.ts'
import type { StackUrls } from '../stack/types.ts'

/** Name of the stack that settings come from unless SLUICE_STACK names another. */
export const defaultStackName = 'default'

/** The stack that the environment means. */
export const stackNameOf = (environment: NodeJS.ProcessEnv): string =>
  environment['SLUICE_STACK']?.trim() || defaultStackName

/** The URLs of the running stack; undefined when none of its servers runs. */
export const runningStackUrls = async (environment: NodeJS.ProcessEnv): Promise<StackUrls | undefined> => {
  const status = await stackStatus(layoutOf(stackNameOf(environment), environment))
  if (status === undefined) return undefined
  // One server of several may be down for a while: whoever does not need it must not be kept from working.
  return status.servers.some(server => server.state !== 'stopped') ? status.urls : undefined
}
