import { destination, pino } from 'pino'
import type { Logger } from '../core/log.ts'

/** Log lines as JSON on standard error, so that standard output stays a command's result. */
export const createLogger = (name: string, level = 'info'): Logger =>
  pino({ name, level, base: { name } }, destination({ dest: 2, sync: true }))
