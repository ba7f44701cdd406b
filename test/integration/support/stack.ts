import { inject } from 'vitest'
import type { StackUrls } from '../../../src/stack/types.ts'

/** Where the servers of the integration tests listen; what `sluice stack status --json` prints. */
export const stack: StackUrls = inject('stack')

/** The name of that stack, for `--name`. */
export const stackName: string = inject('stackName')
