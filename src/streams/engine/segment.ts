import type { ConsumedRecord, ProducedRecord } from '../../kafka/types.ts'
import type { Message } from '../dsl/message.ts'
import type { Pipeline } from './pipeline.ts'
import type { Ordinals } from './record-formats.ts'

/** What records have written, on its way to the turn's result. */
export class Collected {
  readonly outputs: ProducedRecord[] = []
  readonly effects = new Map<string, Message<unknown, unknown>[]>()
  readonly ordinals: Ordinals = new Map()

  addEffect(name: string, message: Message<unknown, unknown>): void {
    const known = this.effects.get(name)
    if (known === undefined) this.effects.set(name, [message])
    else known.push(message)
  }

  append(other: Collected): void {
    for (const record of other.outputs) this.outputs.push(record)
    for (const [name, messages] of other.effects)
      for (const message of messages) this.addEffect(name, message)
  }
}

/** Records that run through one pipeline; what they have done can be undone together, but not singly. */
export interface Segment {
  readonly pipeline: Pipeline
  readonly records: ConsumedRecord[]
  readonly collected: Collected
  /** Its writes lie in overlays of their own, over those of the turn; else they are the turn's. */
  readonly isApart: boolean
}
