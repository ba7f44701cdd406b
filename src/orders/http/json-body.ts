import type { Fault } from './faults.ts'

/** A parsed body, or what is wrong with its text. */
export type JsonBody =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly detail: string; readonly faults: readonly Fault[] }

const utf8 = new TextDecoder('utf-8', { fatal: true })
/** Names that reach an object's prototype when a value is copied carelessly. */
const forbidden: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])
/** Most bodies hold neither these words nor an escape that could spell them, and need no walk. */
const suspicious = /__proto__|constructor|prototype|\\u/

const escapePointer = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1')

/** More of them tell nobody more. */
const listedKeys = 100

/** Walks with a stack of its own: the depth of a body is the sender's choice. */
const forbiddenKeys = (root: unknown): readonly Fault[] => {
  const faults: Fault[] = []
  const open: { readonly value: object; readonly pointer: string }[] = []
  const enter = (value: unknown, pointer: string): void => {
    if (typeof value === 'object' && value !== null) open.push({ value, pointer })
  }
  enter(root, '#')
  for (let next = open.pop(); next !== undefined && faults.length < listedKeys; next = open.pop()) {
    for (const [name, member] of Object.entries(next.value)) {
      // Past any depth that is valid the pointer only grows: 10^5 levels would make 10^5 long texts.
      const pointer = next.pointer.length > 200 ? next.pointer : `${next.pointer}/${escapePointer(name)}`
      if (!Array.isArray(next.value) && forbidden.has(name)) {
        faults.push({ pointer, message: `the key ${name} is not allowed` })
      }
      enter(member, pointer)
    }
  }
  return faults
}

/**
 * Reads a body's bytes as JSON; keys that could reach a prototype are refused.
 *
 * @example parseJsonBody(Buffer.from('{"a":1}')) // { ok: true, value: { a: 1 } }
 */
export const parseJsonBody = (bytes: Uint8Array): JsonBody => {
  const refused = (detail: string, faults: readonly Fault[] = []): JsonBody => ({ ok: false, detail, faults })
  if (bytes.length === 0) return refused('the body is empty; a JSON object is expected')
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch {
    return refused('the body is not valid UTF-8')
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return refused(`the body is not valid JSON: ${positionOf(error)}`)
  }
  const faults = suspicious.test(text) ? forbiddenKeys(value) : []
  return faults.length > 0 ? refused('the body holds keys that are not allowed', faults) : { ok: true, value }
}

/** Where parsing stopped, without repeating what was sent. */
const positionOf = (error: unknown): string => {
  const position = error instanceof Error ? /position (\d+)/.exec(error.message)?.[1] : undefined
  return position === undefined
    ? 'it ends too early or holds an unexpected character'
    : `at position ${position}`
}
