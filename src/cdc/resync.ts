import { withClient } from './connections.ts'
import { relaySettings } from './options.ts'
import type { RelayDependencies, RelayOptions } from './options.ts'
import type { RelayPosition } from './position.ts'
import { supervise } from './relay.ts'
import { checkPublication, identifyLog } from './slot.ts'
import { takeSnapshot } from './snapshot.ts'

/**
 * After a lost slot or a new server: makes the slot anew and sends the table rows whose ids are not on the topic, then
 * returns the position from which a relay goes on. A relay that runs under the same name is replaced.
 *
 * These rows come after what is on the topic: commit order holds for the stream only. Errors: as `runRelay`.
 *
 * @example await resync({ postgresUrl }, { kafka, codecs, clock, log, signal, instanceId: newId() })
 */
export const resync = async (
  options: RelayOptions,
  dependencies: RelayDependencies,
): Promise<RelayPosition | undefined> => {
  const settings = relaySettings(options)
  let position: RelayPosition | undefined
  await supervise(settings, dependencies, async (publisher, status) => {
    await publisher.begin()
    status.state = 'snapshot'
    await withClient(settings.postgresUrl, 'sql', client => checkPublication(client, settings))
    const identity = await withClient(settings.postgresUrl, 'replication', client =>
      identifyLog(client, settings.slot),
    )
    position = await takeSnapshot(settings, dependencies, publisher, identity)
  })
  return position
}
