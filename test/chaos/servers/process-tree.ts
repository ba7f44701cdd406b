import { readdirSync, readFileSync } from 'node:fs'

/** Parent by process, of all that run; a process that ends meanwhile is left out. */
const parents = (): ReadonlyMap<number, number> => {
  const found = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      // The program's name, in brackets, may itself hold blanks and brackets.
      found.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]))
    } catch {
      continue
    }
  }
  return found
}

/** A process and all that it has started, the oldest first: Postgres is a process for each connection. */
export const processTree = (root: number): readonly number[] => {
  const all = [...parents()]
  const childrenOf = (pid: number): number[] =>
    all.flatMap(([child, parent]) => (parent === pid ? [child, ...childrenOf(child)] : []))
  return [root, ...childrenOf(root)]
}

/** Sends a signal to each that still runs. */
export const signalAll = (pids: readonly number[], signal: NodeJS.Signals): void => {
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
}

/** Whether a process sleeps by SIGSTOP. */
export const isStopped = (pid: number): boolean =>
  /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
