/** The servers of a stack, in the order in which progress lists them. */
export const serverNames = ['postgres', 'kafka', 'cassandra', 'registry'] as const

export type ServerName = (typeof serverNames)[number]

/** Every port of a stack; all of them listen on loopback only. */
export interface StackPorts {
  /** Where the order service listens by default; no server of the stack takes it. */
  readonly api: number
  readonly postgres: number
  readonly kafka: number
  readonly kafkaController: number
  readonly cassandra: number
  readonly cassandraStorage: number
  readonly registry: number
}

/**
 * Where a stack's clients connect: what `sluice stack status --json` prints.
 *
 * @example { api: 'http://127.0.0.1:20000', kafka: '127.0.0.1:20002', datacenter: 'datacenter1', keyspace: 'sluice', … }
 */
export interface StackUrls {
  /** Base URL at which the order service listens by default. */
  readonly api: string
  /** Connection URL with user, password and database. */
  readonly postgres: string
  /** Bootstrap server, host:port. */
  readonly kafka: string
  /** Contact point, host:port. */
  readonly cassandra: string
  readonly datacenter: string
  /** Base URL of the Confluent-compatible API. */
  readonly registry: string
  readonly keyspace: string
}

/** What one server is doing now. */
export interface ServerStatus {
  readonly name: ServerName
  readonly state: 'running' | 'starting' | 'stopped'
  /** Absent when stopped. */
  readonly pid: number | undefined
  readonly port: number
  readonly logFile: string
}

/** What `up` tells its caller while it works; times are milliseconds since `up` began. */
export type StackProgress =
  | { readonly kind: 'waiting'; readonly for: 'download' | 'stack'; readonly pid: number }
  | { readonly kind: 'fetching'; readonly doneBytes: number; readonly totalBytes: number }
  | { readonly kind: 'unpacking'; readonly what: string }
  | { readonly kind: 'starting'; readonly servers: readonly ServerName[] }
  | { readonly kind: 'ready'; readonly server: ServerName; readonly afterMs: number }

export type ReportProgress = (progress: StackProgress) => void
