/**
 * Told to stop (Ctrl-C, SIGTERM), a long run ends what it is at, judges and reports; told again, the process ends at once and takes what
 * it started with it.
 *
 * @returns Aborted when the process has been told to stop.
 */
export const whenToldToStop = (): AbortSignal => {
  const stopping = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      // Not by the signal itself: an exit lets the supervisors end their processes.
      if (stopping.signal.aborted) process.exit(130)
      process.stderr.write('ending this run; once more ends it at once\n')
      stopping.abort(new Error('told to stop'))
    })
  return stopping.signal
}
