import type { ServeFlags } from '../../../src/cli/serve.ts'

/**
 * Small enough that stock rolls, old generations go and dead requests are given back within seconds. A reaper this early leaves a
 * request a third of its time before it reserves and another third to reserve, as the defaults do.
 */
export const serveFlags = {
  host: '127.0.0.1',
  rollAt: 25,
  keyLease: 2,
  reapAfter: 6,
} as const satisfies ServeFlags

/** Seconds; above the longest time that a request of the order service can be on its way. */
export const keepGenerations = 9

/** The shortest that a broker allows by default. */
export const sessionTimeoutMs = 6_000
