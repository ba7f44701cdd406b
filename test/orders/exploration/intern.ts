/** Small numbers for values that are equal by content. */
export interface Interner<Value> {
  id(value: Value): number
  get(id: number): Value
  readonly size: number
}

const sorted = (_key: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1)))
    : value

/** The same text for equal plain data, in whatever order its properties were set. */
const canonical = (value: unknown): string => JSON.stringify(value, sorted)

export const createInterner = <Value>(): Interner<Value> => {
  const ids = new Map<string, number>()
  const values: Value[] = []
  return {
    id: value => {
      const text = canonical(value)
      const known = ids.get(text)
      if (known !== undefined) return known
      ids.set(text, values.length)
      values.push(value)
      return values.length - 1
    },
    get: id => values[id] as Value,
    get size() {
      return values.length
    },
  }
}
