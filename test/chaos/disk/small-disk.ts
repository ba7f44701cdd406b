import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder on a file system of its own, with little room. */
export interface SmallDisk {
  /** Leaves no room. */
  fill(): void
  /** The room is back. */
  free(): void
  /** Its content is on the former disk again. Nothing may have it open. */
  close(): void
}

/** Why no small disk can be had here; undefined where it can. */
export const whyNoSmallDisk = (): string | undefined => {
  if (process.platform !== 'linux') return 'tmpfs is Linux'
  if (process.getuid?.() !== 0) return 'mounting needs root'
  const folder = mkdtempSync(join(tmpdir(), 'sluice-mount-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'pipe' })
    execFileSync('umount', [folder], { stdio: 'pipe' })
    return undefined
  } catch {
    return 'this machine does not let us mount'
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const pieceBytes = 262_144

const sizeOf = (folder: string): number => {
  const output = execFileSync('du', ['-sb', folder], { encoding: 'utf8' })
  return Number(output.split('\t')[0])
}

/**
 * Moves a folder's content to a tmpfs mounted in its place. Nothing may have it open.
 *
 * @param spareBytes What is free beyond the content.
 * @example const disk = mountSmallDisk(layout.dataOf('kafka'), 40_000_000)
 */
export const mountSmallDisk = (folder: string, spareBytes: number): SmallDisk => {
  const aside = `${folder}.aside`
  const filler = join(folder, 'filler')
  const { mode, uid, gid } = statSync(folder)
  const size = sizeOf(folder) + spareBytes
  renameSync(folder, aside)
  mkdirSync(folder)
  const owner = `uid=${uid},gid=${gid},mode=${(mode & 0o7777).toString(8)}`
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},${owner}`, 'tmpfs', folder])
  execFileSync('cp', ['-a', `${aside}/.`, folder])
  rmSync(aside, { recursive: true })
  return {
    fill: () => {
      try {
        // Until it fails: what is free now may be taken by the server meanwhile.
        for (;;) appendFileSync(filler, Buffer.alloc(pieceBytes))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      }
    },
    free: () => rmSync(filler, { force: true }),
    close: () => {
      rmSync(filler, { force: true })
      execFileSync('cp', ['-a', folder, aside])
      execFileSync('umount', [folder])
      rmSync(folder, { recursive: true })
      renameSync(aside, folder)
    },
  }
}
