/** The part of pino's interface that the project uses, so that layers below `app` depend on no logger. */
export interface Logger {
  debug(details: object, message: string): void
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

const nothing = (): void => {}

/** Drops everything; the default of tests and libraries. */
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing }
