import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { systemClock } from '../../../src/core/clock.ts'
import { stackDown } from '../../../src/stack/down.ts'
import { layoutOf, type StackLayout } from '../../../src/stack/layout.ts'
import { rememberProcess, runningPid } from '../../../src/stack/processes.ts'

const prefix = 'test-'

/** How the stacks of test runs are named. */
export const testStackName = (suffix: string): string => `${prefix}${suffix}`

const ownerFile = (layout: StackLayout): string => join(layout.home, 'owner.pid')

/** Notes that a stack lives for this process only. */
export const claimStack = (layout: StackLayout): void => {
  mkdirSync(layout.home, { recursive: true })
  rememberProcess(ownerFile(layout), process.pid)
}

/** Removes the stacks of test runs that were killed before they could. */
export const removeStaleStacks = async (): Promise<void> => {
  const folder = dirname(layoutOf(testStackName('any'), process.env).home)
  const names = existsSync(folder) ? readdirSync(folder) : []
  for (const name of names.filter(one => one.startsWith(prefix) && !one.endsWith('.lock'))) {
    const layout = layoutOf(name, process.env)
    if (existsSync(ownerFile(layout)) && runningPid(ownerFile(layout)) === undefined) {
      await stackDown(layout, { clock: systemClock, deleteAll: true })
    }
  }
}
