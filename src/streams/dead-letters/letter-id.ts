import { SluiceError } from '../../core/errors.ts'

/** Where a dead letter lies; it is named by that for ever, since its topic is never compacted and never expires. */
export interface LetterId {
  /** The dead letter topic. */
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/**
 * As people and the header `sluice.retry-of` write it.
 *
 * @example letterIdText({ topic: 'orders-dlq', partition: 3, offset: 17 }) // 'orders-dlq/3/17'
 */
export const letterIdText = ({ topic, partition, offset }: LetterId): string =>
  `${topic}/${partition}/${offset}`

const pattern = /^([A-Za-z0-9._-]+)\/([0-9]{1,9})\/([0-9]{1,15})$/

/**
 * The other way round. Errors: SLUICE_DLQ_ID_INVALID.
 *
 * @example parseLetterId('orders-dlq/3/17').partition // 3
 */
export const parseLetterId = (text: string): LetterId => {
  const [, topic = '', partition, offset] = pattern.exec(text) ?? []
  if (topic === '') {
    throw new SluiceError({
      code: 'SLUICE_DLQ_ID_INVALID',
      message: `"${text}" is no id of a dead letter`,
      remedy: 'write <dead letter topic>/<partition>/<offset>, as `sluice dlq list` prints it',
      details: { id: text },
    })
  }
  return { topic, partition: Number(partition), offset: Number(offset) }
}
