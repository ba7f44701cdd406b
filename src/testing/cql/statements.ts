import { CqlBody, opcodeName } from './frames.ts'

const resultKindPrepared = 4
const kindQuery = 0

/**
 * The text behind prepared ids, learnt from the PREPAREs that pass. Ids mean the same on all connections to a server, so one
 * instance serves them all; what was prepared before the proxy was there it cannot know.
 */
export class PreparedStatements {
  readonly #textById = new Map<string, string>()

  /** The statements that a request runs, one a line; empty for requests without one. */
  textOf(request: Buffer): string {
    const body = CqlBody.of(request)
    if (body === undefined) return ''
    switch (opcodeName(request)) {
      case 'QUERY':
      case 'PREPARE':
        return body.longString()
      case 'EXECUTE':
        return this.#text(body.shortBytes())
      case 'BATCH':
        return this.#batch(body).join('\n')
      default:
        return ''
    }
  }

  /** Takes note of the answer to a PREPARE of `text`. */
  learn(text: string, reply: Buffer): void {
    if (opcodeName(reply) !== 'RESULT') return
    const body = CqlBody.of(reply)
    if (body?.int32() !== resultKindPrepared) return
    this.#textById.set(body.shortBytes().toString('hex'), text)
  }

  #text(id: Buffer): string {
    return this.#textById.get(id.toString('hex')) ?? ''
  }

  #batch(body: CqlBody): string[] {
    body.skip(1)
    return Array.from({ length: body.uint16() }, () => {
      const text = body.uint8() === kindQuery ? body.longString() : this.#text(body.shortBytes())
      for (let values = body.uint16(); values > 0; values--) body.skipValue()
      return text
    })
  }
}
