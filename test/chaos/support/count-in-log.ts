import { readFileSync } from 'node:fs'

/** How often a log has a text. */
export const countInLog = (logFile: string, text: string): number =>
  readFileSync(logFile, 'utf8').split(text).length - 1
