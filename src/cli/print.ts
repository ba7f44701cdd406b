import { SluiceError, messageOf } from '../core/errors.ts'

/** Where the CLI writes; passed in so that tests can read it. */
export interface Terminal {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
}

/** The process's own standard output and error. */
export const processTerminal: Terminal = {
  out: text => void process.stdout.write(text),
  err: text => void process.stderr.write(text),
}

/** Prints a result: as JSON when asked, else as `render` puts it. */
export const printResult = <T>(
  options: { readonly json?: boolean },
  result: T,
  render: (result: T) => string,
  terminal: Terminal = processTerminal,
): void => {
  const text = options.json === true ? JSON.stringify(result, null, 2) : render(result)
  terminal.out(text.endsWith('\n') ? text : `${text}\n`)
}

/** Rows under a heading, columns padded to their widest cell; numbers to the right. */
export const renderTable = (
  headings: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string => {
  const cells = rows.map(row => row.map(String))
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...cells.map(row => row[column]?.length ?? 0)),
  )
  const isNumeric = headings.map((_, column) => rows.every(row => typeof row[column] === 'number'))
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        isNumeric[column] === true ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd()
  return [line(headings), ...cells.map(line)].join('\n')
}

/** An error as people read it: what happened, what to do, the code to look up; or the same as JSON. */
export const renderError = (error: unknown, json: boolean): string => {
  const described =
    error instanceof SluiceError
      ? { code: error.code, message: error.message, remedy: error.remedy, details: error.details }
      : { code: 'SLUICE_CLI_UNEXPECTED', message: messageOf(error), remedy: undefined, details: {} }
  if (json) return `${JSON.stringify({ error: described })}\n`
  const lines = [`sluice: ${described.message}`]
  if (described.remedy !== undefined) lines.push(`  what to do: ${described.remedy}`)
  lines.push(`  code: ${described.code} (docs/errors.md)`)
  if (!(error instanceof SluiceError) && error instanceof Error && error.stack !== undefined) {
    lines.push(error.stack)
  }
  return `${lines.join('\n')}\n`
}
