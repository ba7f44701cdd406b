import type { StackProgress } from '../stack/types.ts'
import { createProgress, type ProgressOutput } from './progress.ts'
import { renderStackProgress } from './render-stack.ts'

/** Shows how a stack comes up: fetching in one line that changes, every other step in a line of its own. */
export const createStackReport = (
  output: ProgressOutput = process.stderr,
): { readonly report: (progress: StackProgress) => void; readonly end: () => void } => {
  let fetching: ReturnType<typeof createProgress> | undefined
  const end = (): void => {
    fetching?.end()
    fetching = undefined
  }
  return {
    end,
    report: progress => {
      if (progress.kind === 'fetching') {
        fetching ??= createProgress(output)
        fetching.update(() => renderStackProgress(progress))
        return
      }
      end()
      output.write(`${renderStackProgress(progress)}\n`)
    },
  }
}
