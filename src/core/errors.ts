/** What whoever catches the error has to do; one classifier per foreign system decides it. */
export type Reaction = 'retry' | 'forget-turn' | 'rebuild-producer' | 'stop'

/** The details every error carries: what happened to what, and what to do about it. */
export interface SluiceErrorOptions {
  /** Stable, `SLUICE_<AREA>_<WHAT>`; listed in docs/errors.md. */
  readonly code: string
  /** What happened, to what (topic, partition, offset, SKU, order). */
  readonly message: string
  /** What the reader should do now. */
  readonly remedy?: string
  /** Default `stop`. */
  readonly reaction?: Reaction
  /** Machine-readable subject, e.g. `{ topic, partition, offset }`. */
  readonly details?: Readonly<Record<string, unknown>>
  readonly cause?: unknown
}

/**
 * The one error class of the project; areas differ by code, never by class.
 *
 * @example throw new SluiceError({ code: 'SLUICE_STACK_PORT_IN_USE', message: 'port 9092 is in use', remedy: 'stop the other process' })
 */
export class SluiceError extends Error {
  override readonly name = 'SluiceError'
  readonly code: string
  readonly remedy: string | undefined
  readonly reaction: Reaction
  readonly details: Readonly<Record<string, unknown>>

  constructor(options: SluiceErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = options.code
    this.remedy = options.remedy
    this.reaction = options.reaction ?? 'stop'
    this.details = options.details ?? {}
  }
}

/** The message of anything thrown, for log lines and wrapping errors. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
