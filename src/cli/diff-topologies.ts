import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { messageOf, SluiceError } from '../core/errors.ts'
import { diffTopologies, type TopologyDiff } from '../streams/inspect/diff/diff.ts'
import { renderDiff } from '../streams/inspect/diff/render-diff.ts'
import { documentOf, topologyFile, type TopologyDocument } from '../streams/inspect/document.ts'
import { topologies } from '../../topology/index.ts'
import { selectTopologies } from './select-topologies.ts'

/**
 * Compares two versions, each a file of `topology describe --format json` or a topology's name; without a second one, those of
 * now. Where one side names a single topology, only that is taken from the other. Errors: `SLUICE_CLI_USAGE`.
 */
export const diffVersions = async (before: string, after: string | undefined): Promise<TopologyDiff[]> => {
  const old = await versionOf(before)
  const next = after === undefined ? selectTopologies([]).map(documentOf) : await versionOf(after)
  return diffTopologies(...alike(old, next, after === undefined))
}

export const renderDiffs = (diffs: readonly TopologyDiff[]): string => diffs.map(renderDiff).join('\n')

type Documents = readonly TopologyDocument[]

const named = (documents: Documents, name: string | undefined): Documents => {
  const found = documents.filter(document => document.name === name)
  return found.length === 0 ? documents : found
}

/** A single topology against a file of many means the one of that name; a file of one against now means that one. */
const alike = (old: Documents, next: Documents, isNow: boolean): [Documents, Documents] => {
  if (next.length === 1) return [named(old, next[0]?.name), next]
  if (old.length === 1 && (isNow || next.some(({ name }) => name === old[0]?.name)))
    return [old, named(next, old[0]?.name)]
  return [old, next]
}

const versionOf = async (argument: string): Promise<Documents> => {
  if (existsSync(argument)) return readVersion(argument)
  if (Object.hasOwn(topologies, argument)) return selectTopologies([argument]).map(documentOf)
  throw new SluiceError({
    code: 'SLUICE_CLI_USAGE',
    message: `there is neither a file nor a topology "${argument}"`,
    remedy: `name a file of \`sluice topology describe --format json\`, or one of: ${Object.keys(topologies).join(', ')}`,
  })
}

const readVersion = async (path: string): Promise<Documents> => {
  const unreadable = (why: string, cause?: unknown): SluiceError =>
    new SluiceError({
      code: 'SLUICE_CLI_USAGE',
      message: `${path} is no description of topologies: ${why}`,
      remedy: 'make it with `sluice topology describe --format json`',
      details: { path },
      cause,
    })
  let json: unknown
  try {
    json = JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    throw unreadable(messageOf(error), error)
  }
  const parsed = topologyFile.safeParse(json)
  if (parsed.success) return parsed.data.topologies
  const [issue] = parsed.error.issues
  throw unreadable(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'wrong'}`)
}
