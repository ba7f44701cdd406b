import type { StackLayout } from '../stack/layout.ts'
import type { StackStatus } from '../stack/status.ts'
import type { ServerName, StackProgress, StackUrls } from '../stack/types.ts'
import { formatDuration } from './format.ts'
import { renderTable } from './print.ts'

const serverTitles: Readonly<Record<ServerName, string>> = {
  postgres: 'Postgres',
  kafka: 'Kafka',
  cassandra: 'Cassandra',
  registry: 'schema registry',
}

const titlesOf = (names: readonly ServerName[]): string => names.map(name => serverTitles[name]).join(', ')

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`

/** One line that says what `stack up` is doing. */
export const renderStackProgress = (progress: StackProgress): string => {
  switch (progress.kind) {
    case 'waiting':
      return `waiting for process ${progress.pid}, which ${progress.for === 'download' ? 'is fetching the servers' : 'is starting this stack'}`
    case 'fetching': {
      const share = Math.floor((100 * progress.doneBytes) / progress.totalBytes)
      return `fetching the servers: ${megabytes(progress.doneBytes)} of ${megabytes(progress.totalBytes)}, ${share} %`
    }
    case 'unpacking':
      return `unpacking the ${progress.what}`
    case 'starting':
      return `starting ${titlesOf(progress.servers)}`
    default:
      return `${serverTitles[progress.server]} is ready after ${formatDuration(progress.afterMs)}`
  }
}

/** Where to reach a stack, one line each. */
const renderUrls = (urls: StackUrls): string =>
  renderTable(
    ['what', 'where'],
    [
      ['Postgres', urls.postgres],
      ['Kafka', urls.kafka],
      ['Cassandra', `${urls.cassandra} (datacenter ${urls.datacenter}, keyspace ${urls.keyspace})`],
      ['schema registry', urls.registry],
      ['order service', `${urls.api} (once ./bin/sluice serve runs)`],
    ],
  )

/** The state of every server of a stack. */
export const renderStackStatus = (layout: StackLayout, status: StackStatus | undefined): string => {
  if (status === undefined) {
    return `The stack '${layout.name}' was never started. Start it: ./bin/sluice stack up${nameOption(layout)}`
  }
  const rows = status.servers.map(server => [
    serverTitles[server.name],
    server.state,
    `${server.port}`,
    server.pid === undefined ? '-' : `${server.pid}`,
    server.logFile,
  ])
  const advice = status.running
    ? renderUrls(status.urls)
    : `Not everything runs. Start what is missing: ./bin/sluice stack up${nameOption(layout)}`
  return `${renderTable(['server', 'state', 'port', 'pid', 'log'], rows)}\n\n${advice}`
}

const nameOption = (layout: StackLayout): string =>
  layout.name === 'default' ? '' : ` --name ${layout.name}`

/** How a stack came up, and where it is. */
export const renderUp = (
  layout: StackLayout,
  result: { readonly urls: StackUrls; readonly started: readonly ServerName[] },
): string => {
  const what =
    result.started.length === 0
      ? `The stack '${layout.name}' is running already.`
      : `The stack '${layout.name}' is up; started: ${titlesOf(result.started)}.`
  return `${what}\n\n${renderUrls(result.urls)}\n\nStop it: ./bin/sluice stack down${nameOption(layout)}`
}

/** What `stack down` did. */
export const renderDown = (layout: StackLayout, stopped: readonly ServerName[], deleted: boolean): string => {
  const what =
    stopped.length === 0
      ? `The stack '${layout.name}' was not running.`
      : `The stack '${layout.name}' is down; stopped: ${titlesOf(stopped)}.`
  return `${what} ${deleted ? 'Its data is deleted.' : 'Its data is kept for the next stack up.'}`
}
