// Takes each work-around out of a copy of the source and runs the tests that must notice:  npm run test:workarounds [-- text of a name]
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { workarounds } from '../test/workarounds/index.ts'
import type { Workaround } from '../test/workarounds/types.ts'

const root = resolve(import.meta.dirname, '..')
const stackName = 'workarounds'
const node = process.execPath
const wanted = process.argv.slice(2).join(' ')
const chosen = workarounds.filter(({ name }) => name.includes(wanted))

const say = (line: string): void => void process.stdout.write(`${line}\n`)

const copySource = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-workarounds-'))
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    cwd: root,
    encoding: 'utf8',
  })
  for (const file of listed.split('\0').filter(Boolean)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    cpSync(join(root, file), join(folder, file))
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  return folder
}

interface Verdict {
  readonly failed: number
  readonly passed: number
  readonly text: string
}

const runTests = (folder: string, tests: readonly string[]): Verdict => {
  const report = join(folder, 'report.json')
  rmSync(report, { force: true })
  const { stdout, stderr } = spawnSync(
    node,
    [
      join(root, 'node_modules', 'vitest', 'vitest.mjs'),
      'run',
      '--bail=1',
      '--reporter=json',
      `--outputFile=${report}`,
      ...tests,
    ],
    {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, SLUICE_TEST_STACK: stackName },
      timeout: 300_000,
    },
  )
  const { numFailedTests, numPassedTests } = JSON.parse(readFileSync(report, 'utf8')) as Record<
    string,
    number
  >
  return { failed: numFailedTests ?? 0, passed: numPassedTests ?? 0, text: `${stdout}${stderr}` }
}

const without = (folder: string, { edits }: Workaround, run: () => Verdict): Verdict => {
  const originals = new Map(edits.map(({ file }) => [file, readFileSync(join(folder, file), 'utf8')]))
  try {
    for (const { file, find, replace } of edits) {
      const path = join(folder, file)
      const source = readFileSync(path, 'utf8')
      if (source.split(find).length !== 2) throw new Error(`${file} does not hold this text once: ${find}`)
      writeFileSync(
        path,
        source.replace(find, () => replace),
      )
    }
    return run()
  } finally {
    for (const [file, source] of originals) writeFileSync(join(folder, file), source)
  }
}

const sluice = (...args: readonly string[]): void => {
  execFileSync(node, [join(root, 'src/cli/main.ts'), ...args, '--name', stackName], { stdio: 'inherit' })
}

if (chosen.length === 0) throw new Error(`no work-around's name contains '${wanted}'`)
const folder = copySource()
let missed = 0
try {
  sluice('stack', 'up')
  const files = [...new Set(chosen.flatMap(({ tests }) => tests))]
  const untouched = runTests(folder, files)
  say(`untouched: ${untouched.passed} passed, ${untouched.failed} failed (${files.length} files)`)
  if (untouched.failed > 0 || untouched.passed === 0)
    throw new Error(`the tests fail as they are\n${untouched.text}`)
  for (const one of chosen) {
    const { failed, passed } = without(folder, one, () => runTests(folder, one.tests))
    // A file that cannot even be loaded has caught nothing.
    const isCaught = failed > 0
    if (!isCaught) missed++
    say(`${isCaught ? 'caught    ' : 'NOT caught'}  ${one.name}  (${failed} failed, ${passed} passed)`)
  }
} finally {
  sluice('stack', 'down', '--delete')
  rmSync(folder, { recursive: true, force: true })
}
say(`${chosen.length - missed} of ${chosen.length} caught`)
process.exitCode = missed === 0 ? 0 : 1
