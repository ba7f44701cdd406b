/** The first texts of a message's content, each ended by a zero byte. */
const texts = (message: Buffer, count: number): string[] => {
  const found: string[] = []
  let start = 5
  while (found.length < count) {
    const end = message.indexOf(0, start)
    if (end < 0) break
    found.push(message.toString('utf8', start, end))
    start = end + 1
  }
  return found
}

/** What the messages of one connection run: the texts of prepared statements, by name. */
export class SessionStatements {
  readonly #textByName = new Map<string, string>()

  /** The statement of a simple query. */
  ofQuery(message: Buffer): string {
    return texts(message, 1)[0] ?? ''
  }

  /** The statements that a sequence of extended messages runs or, when it runs none, prepares; one a line. */
  ofExtended(messages: readonly Buffer[]): string {
    const prepared: string[] = []
    const bound: string[] = []
    for (const message of messages) {
      const type = message.toString('latin1', 0, 1)
      const [first = '', second = ''] = type === 'P' || type === 'B' ? texts(message, 2) : []
      if (type === 'P') {
        this.#textByName.set(first, second)
        prepared.push(second)
      } else if (type === 'B') bound.push(this.#textByName.get(second) ?? '')
    }
    return (bound.length > 0 ? bound : prepared).join('\n')
  }
}
