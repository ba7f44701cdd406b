import { SluiceError } from '../../../src/core/errors.ts'

/** The SluiceError with which a promise is rejected; fails when it is not rejected with one. */
export const rejection = async (promise: Promise<unknown>): Promise<SluiceError> => {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (outcome instanceof SluiceError) return outcome
  throw new Error('no SluiceError was thrown', { cause: outcome })
}
