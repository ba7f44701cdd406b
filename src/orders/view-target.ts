/** A keyspace that holds views: its name, or `''` for the one that the connection is in. */
export type ViewTarget = string

/** The keyspace that the connection is in: live's own. */
export const own: ViewTarget = ''

/** The name of a table in a statement. */
export type TableOf = (table: string) => string

/** A table of the connection's keyspace. */
export const unqualified: TableOf = table => table

/** Tables of one target. */
export const tableIn = (target: ViewTarget): TableOf =>
  target === own ? unqualified : table => `${target}.${table}`
