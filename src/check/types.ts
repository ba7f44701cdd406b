/** Where the servers are; the URLs of `sluice stack status --json`. */
export interface CheckTargets {
  /** Connection URL with the database. */
  readonly postgres: string
  /** `host:port`, several separated by commas. */
  readonly kafka: string
  /** `host:port`, several separated by commas. */
  readonly cassandra: string
  readonly datacenter: string
  /** Base URL of the Confluent-compatible API. */
  readonly registry: string
  readonly keyspace: string
  /** Put before each topic's name, for a pipeline beside the live one. Default none. */
  readonly topicPrefix?: string
}

/** The invariants of the design. */
export type InvariantId = 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7' | 'I8' | 'I9'

/** What a violation is about: at least one of them is always named. */
export interface Subject {
  readonly sku?: string
  readonly orderId?: string
  readonly eventId?: string
  readonly topic?: string
  readonly partition?: number
  readonly offset?: number
}

export interface Violation {
  readonly subject: Subject
  readonly message: string
}

export interface InvariantResult {
  readonly id: InvariantId
  readonly title: string
  /** Comparisons made; none is a failure, for then nothing was shown. */
  readonly compared: number
  /** The first of them; `violationCount` counts all. */
  readonly violations: readonly Violation[]
  readonly violationCount: number
  readonly ok: boolean
}

export interface CheckReport {
  readonly ok: boolean
  readonly invariants: readonly InvariantResult[]
  readonly durationMs: number
}

/** One step of reading or waiting, for a progress line; `done` counts rows or records. */
export interface CheckProgress {
  readonly phase: 'postgres' | 'cassandra' | 'log' | 'invariants'
  readonly done: number
}
