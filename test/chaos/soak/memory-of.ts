import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { ProcessTuning } from '../../../src/cli/demo/system.ts'

const reporter = resolve(import.meta.dirname, 'report-memory.ts')

/** V8 lets the young generation grow to 128 MB over hours, and RSS with it: a plateau that is reached late looks like a leak. */
const youngLimitMb = 8

const fileOf = (folder: string, name: string): string => join(folder, `${name}.memory`)

/** What lets a process report its memory into a folder; `limitMb` caps its heap. */
export const reportingMemory = (folder: string, name: string, limitMb?: number): ProcessTuning => ({
  environment: {
    NODE_OPTIONS: [
      `--import=${reporter}`,
      `--max-semi-space-size=${youngLimitMb}`,
      ...(limitMb === undefined ? [] : [`--max-old-space-size=${limitMb}`]),
    ].join(' '),
    SLUICE_TEST_MEMORY: fileOf(folder, name),
  },
})

/** What a process says of itself: its pid, and numbers by their name. */
export type MemoryLine = Readonly<Record<string, number>> & { readonly pid: number }

/** All that a process has reported, oldest first. */
export const memoryOf = (folder: string, name: string): readonly MemoryLine[] => {
  const file = fileOf(folder, name)
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter(line => line.endsWith('}'))
    .map(line => JSON.parse(line) as MemoryLine)
}
