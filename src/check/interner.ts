/**
 * Makes equal strings one object: ids recur in Postgres, Cassandra and several topics, and decoding makes a new
 * string each time. With a million records this is the difference between fitting in the heap and not.
 */
export type Intern = (text: string) => string

export const makeInterner = (): Intern => {
  const known = new Map<string, string>()
  return text => {
    const present = known.get(text)
    if (present !== undefined) return present
    known.set(text, text)
    return text
  }
}
