import type { Cassandra } from '../../cassandra/client.ts'
import { SluiceError } from '../../core/errors.ts'
import { nameTaken } from '../../replay/guards.ts'
import { shadowNameOf } from '../../replay/names.ts'
import { viewTables } from '../migrations/cassandra.ts'

const mostCharacters = 48

/** The keyspace of a replay's views. Errors: SLUICE_REPLAY_NAME_INVALID where it would be too long a name. */
export const shadowKeyspaceOf = (liveKeyspace: string, id: string): string => {
  const keyspace = `${liveKeyspace}_replay_${id}`
  if (keyspace.length <= mostCharacters) return keyspace
  throw new SluiceError({
    code: 'SLUICE_REPLAY_NAME_INVALID',
    message: `"${keyspace}" is too long for a keyspace, which has at most ${mostCharacters} characters`,
    remedy: 'give the replay a shorter --id',
    details: { keyspace },
  })
}

const exists = async (cassandra: Cassandra, keyspace: string): Promise<boolean> => {
  const query = 'SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = ?'
  return (await cassandra.read({ query, params: [keyspace] }, 'quorum')).length > 0
}

/** Throws where a keyspace of that name is there, and no replay made it. Errors: SLUICE_REPLAY_NAME_TAKEN. */
export const requireFreeKeyspace = async (
  cassandra: Cassandra,
  keyspace: string,
  shadowName: string,
): Promise<void> => {
  if (await exists(cassandra, keyspace)) throw nameTaken(shadowName, [`keyspace ${keyspace}`])
}

/** Creates it with the tables of the views, replicated as the live one is; changes nothing where that is done. */
export const createShadowKeyspace = async (
  cassandra: Cassandra,
  liveKeyspace: string,
  keyspace: string,
): Promise<void> => {
  const query = 'SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = ?'
  const [row] = await cassandra.read({ query, params: [liveKeyspace] }, 'quorum')
  const settings = Object.entries((row?.['replication'] ?? {}) as Record<string, string>)
  const replication = settings.map(([name, value]) => `'${name}': '${value}'`).join(', ')
  await cassandra.define(`CREATE KEYSPACE IF NOT EXISTS ${keyspace} WITH replication = {${replication}}`)
  for (const statement of viewTables(keyspace)) await cassandra.define(statement)
}

/** Errors: SLUICE_REPLAY_NAME_INVALID for a keyspace that is no replay's. */
export const dropShadowKeyspace = async (
  cassandra: Cassandra,
  keyspace: string,
  id: string,
): Promise<void> => {
  if (keyspace === '' || !keyspace.endsWith(shadowNameOf('', id).replaceAll('-', '_'))) {
    throw new SluiceError({
      code: 'SLUICE_REPLAY_NAME_INVALID',
      message: `the keyspace ${keyspace} is not that of the replay ${id}, and was not dropped`,
      remedy: 'look at the plan of the replay: sluice replay list --json',
      details: { keyspace, id },
    })
  }
  await cassandra.define(`DROP KEYSPACE IF EXISTS ${keyspace}`)
}
