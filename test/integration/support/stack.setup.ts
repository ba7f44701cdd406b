import { randomBytes } from 'node:crypto'
import type { TestProject } from 'vitest/node'
import { systemClock } from '../../../src/core/clock.ts'
import { stackDown } from '../../../src/stack/down.ts'
import { layoutOf } from '../../../src/stack/layout.ts'
import { stackStatus } from '../../../src/stack/status.ts'
import type { StackUrls } from '../../../src/stack/types.ts'
import { stackUp } from '../../../src/stack/up.ts'
import { createStackReport } from '../../../src/cli/stack-report.ts'
import { claimStack, removeStaleStacks, testStackName } from './stale-stacks.ts'

declare module 'vitest' {
  interface ProvidedContext {
    stack: StackUrls
    stackName: string
  }
}

const runningStack = async (name: string): Promise<StackUrls> => {
  const status = await stackStatus(layoutOf(name, process.env))
  if (status?.running === true) return status.urls
  throw new Error(
    `SLUICE_TEST_STACK names the stack '${name}', which is not running: ./bin/sluice stack up --name ${name}`,
  )
}

/** Starts a new stack for the tests of a project; what is returned removes it. */
export const startTestStack = async (project: TestProject): Promise<() => Promise<void>> => {
  await removeStaleStacks()
  const name = testStackName(randomBytes(4).toString('hex'))
  const layout = layoutOf(name, process.env)
  const remove = async (): Promise<void> => {
    await stackDown(layout, { clock: systemClock, deleteAll: true })
  }
  claimStack(layout)
  const report = createStackReport()
  try {
    const { urls } = await stackUp(layout, {
      environment: process.env,
      clock: systemClock,
      report: report.report,
    }).finally(() => report.end())
    project.provide('stack', urls)
    project.provide('stackName', name)
  } catch (error) {
    await remove()
    throw error
  }
  return remove
}

/** Starts one stack for all integration tests, or takes the running one that SLUICE_TEST_STACK names. */
const setup = async (project: TestProject): Promise<(() => Promise<void>) | undefined> => {
  const given = process.env['SLUICE_TEST_STACK']
  if (given === undefined || given === '') return startTestStack(project)
  project.provide('stack', await runningStack(given))
  project.provide('stackName', given)
  return undefined
}

export default setup
