import { systemClock } from '../core/clock.ts'
import { createRandom } from '../core/random.ts'
import { importFile } from '../orders/import/import.ts'
import type { ImportResult } from '../orders/import/import.ts'
import { createProgress } from './progress.ts'
import { renderImportProgress } from './render-import.ts'
import { connectShop } from './shop.ts'

/** How long one request is repeated while servers are away: an import outlives a restart of any of them. */
const retryForMs = 600_000
/** Many requests that are put off must leave the service room to end some of them. */
const longestDelayMs = 15_000

/** Imports a file with progress on standard error. */
export const runImport = async (
  file: string,
  options: { readonly initialStock: number; readonly inFlight: number; readonly limit?: number },
): Promise<ImportResult> => {
  const progress = createProgress()
  try {
    return await importFile({
      file,
      initialStock: options.initialStock,
      inFlight: options.inFlight,
      ...(options.limit === undefined ? {} : { limit: options.limit }),
      shop: await connectShop({ retryForMs, longestDelayMs, random: createRandom(1) }),
      clock: systemClock,
      onProgress: state => progress.update(() => renderImportProgress(state)),
    })
  } finally {
    progress.end()
  }
}
