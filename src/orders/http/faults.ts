import type { z } from 'zod'

/** One thing that is wrong with a request: where (a JSON pointer into the part named by `in`), and what. */
export interface Fault {
  readonly pointer: string
  readonly message: string
  /** The part of the request; absent for the body. */
  readonly in?: 'path' | 'query' | 'header'
}

/** More faults than this are counted, not listed: an answer must not dwarf the request. */
const listedFaults = 10_000

const escapePointer = (name: PropertyKey): string => String(name).replaceAll('~', '~0').replaceAll('/', '~1')

const pointerOf = (path: readonly PropertyKey[]): string => ['#', ...path.map(escapePointer)].join('/')

/** An unknown key can be as long as the body. */
const shortened = (name: string): string => (name.length > 100 ? `${name.slice(0, 100)}…` : name)

/**
 * Every fault a schema found, each place and message once.
 *
 * @example faultsOf(schema.safeParse(body).error.issues) // [{ pointer: '#/lines/0/quantity', message: 'must be …' }]
 */
export const faultsOf = (issues: readonly z.core.$ZodIssue[], part?: Fault['in']): readonly Fault[] => {
  const faults = new Map<string, Fault>()
  const add = (path: readonly PropertyKey[], message: string): void => {
    if (faults.size >= listedFaults) return
    const fault = { pointer: pointerOf(path), message, ...(part === undefined ? {} : { in: part }) }
    faults.set(`${fault.pointer}\0${message}`, fault)
  }
  for (const issue of issues) {
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) add([...issue.path, shortened(key)], 'is not a known field')
    } else add(issue.path, issue.message)
  }
  return [...faults.values()]
}
