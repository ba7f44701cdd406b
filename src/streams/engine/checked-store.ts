import { messageOf, SluiceError } from '../../core/errors.ts'
import type { TimedStore } from '../dsl/step.ts'

/**
 * A store as a step sees it: what could not be written to the changelog is refused when it is put, not at the end of the turn,
 * where a later value of the same key may have hidden it. So a record fails or does not, whatever the turns are.
 *
 * @param check Throws for a key and value that cannot be kept.
 */
export const checkedStore = (
  name: string,
  store: TimedStore,
  check: (key: unknown, value: unknown) => void,
): TimedStore => ({
  at: timestamp => store.at(timestamp),
  get: key => store.get(key),
  put: (key, value) => {
    try {
      check(key, value)
    } catch (error) {
      throw unstorable(name, error)
    }
    store.put(key, value)
  },
  delete: key => store.delete(key),
})

const unstorable = (store: string, cause: unknown): SluiceError =>
  new SluiceError({
    code: 'SLUICE_STREAMS_STATE_INVALID',
    message: `what was put into the store ${store} cannot be kept: ${messageOf(cause)}`,
    remedy: 'let the step put values that fit the schema of the store and the size of its changelog',
    details: { store },
    cause,
  })
