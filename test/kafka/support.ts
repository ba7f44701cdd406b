/** The value, when the test knows that there is one. */
export const at = <Value>(value: Value | undefined): Value => {
  if (value === undefined) throw new Error('the test expected a value')
  return value
}
