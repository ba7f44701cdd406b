import { avro } from '../codec/avro.ts'
import type { AvroType } from '../codec/avro.ts'
import { schemas } from '../../schemas/index.ts'
import type { OutboxEnvelope } from '../../schemas/types.ts'

/** The value format of an outbox topic; the envelope's schema is the same whatever the table is called. */
export const outboxType = (topic: string): AvroType<OutboxEnvelope> =>
  avro<OutboxEnvelope>(`${topic}-value`, schemas['shop.public.outbox_event'])
