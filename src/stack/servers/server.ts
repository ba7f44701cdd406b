import type { Clock } from '../../core/clock.ts'
import type { JavaServer } from '../artifacts.ts'
import type { StackLayout } from '../layout.ts'
import type { Launch, StopOptions } from '../processes.ts'
import type { ServerName, StackPorts } from '../types.ts'

/** What a server needs to know about the stack it belongs to. */
export interface StackContext {
  readonly layout: StackLayout
  readonly ports: StackPorts
  /** The program `java`. */
  readonly java: string
  readonly kafkaClusterId: string
  readonly clock: Clock
  readonly signal?: AbortSignal | undefined
}

/** One server of the stack: the same four steps for each, so that `up` need not know which it is. */
export interface StackServer {
  readonly name: ServerName
  /** The locked files it needs, and with them Java; absent for a server that comes another way. */
  readonly files?: JavaServer
  /** The port its clients use. */
  readonly port: (ports: StackPorts) => number
  /** Every port that must be free before it starts. */
  readonly listensOn: (ports: StackPorts) => readonly number[]
  /** Writes configuration and, the first time, the data folder; harmless when repeated. */
  readonly prepare: (context: StackContext) => Promise<void>
  readonly launch: (context: StackContext) => Launch
  /** Whether a client would be served now; false or a rejection means not yet. */
  readonly isReady: (ports: StackPorts) => Promise<boolean>
  readonly stop: StopOptions
}
