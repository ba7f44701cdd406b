import { SluiceError } from '../../core/errors.ts'
import { brokerMaxMessageBytes, fitsTopic } from '../../kafka/batch-size.ts'
import type { KafkaAdmin } from '../../kafka/types.ts'
import { letterIdText } from './letter-id.ts'
import type { ParkedLetter } from './letters.ts'
import { retriedRecord } from './retried-record.ts'

/** What a source topic is now; undefined for one that does not exist. */
export type SourceTopic = { readonly partitions: number; readonly maxMessageBytes: number } | undefined

/** Looks each source topic up once. */
export const sourceTopics = (admin: KafkaAdmin): ((topic: string) => Promise<SourceTopic>) => {
  const known = new Map<string, Promise<SourceTopic>>()
  let names: Promise<readonly string[]> | undefined
  const look = async (topic: string): Promise<SourceTopic> => {
    if (!(await (names ??= admin.listTopics())).includes(topic)) return undefined
    const [[described], limits] = await Promise.all([
      admin.describeTopics([topic]),
      admin.topicSetting([topic], 'max.message.bytes'),
    ])
    return {
      partitions: described?.partitions ?? 0,
      maxMessageBytes: Number(limits.get(topic) ?? brokerMaxMessageBytes),
    }
  }
  return topic => {
    const found = known.get(topic) ?? look(topic)
    known.set(topic, found)
    return found
  }
}

/** Why a letter that was decided on before is not decided on again. */
export const settledFault = ({ id, status }: ParkedLetter): SluiceError | undefined => {
  if (status === undefined) return undefined
  const reason = status.reason === undefined ? '' : ` (${status.reason})`
  return new SluiceError({
    code: 'SLUICE_DLQ_SETTLED',
    message: `${letterIdText(id)} was ${status.state} at ${status.at} by ${status.by}${reason}`,
    remedy:
      status.state === 'retried'
        ? 'if the record failed again, it was parked anew: take that letter from `sluice dlq list`'
        : 'retry it by its id if it was dropped by mistake',
    details: { id: letterIdText(id), ...status },
  })
}

/** Why a letter cannot be sent to its source again; undefined where it can. */
export const retryFault = ({ id, letter }: ParkedLetter, source: SourceTopic): SluiceError | undefined => {
  const why = whyNot({ id, letter }, source)
  if (why === undefined) return undefined
  return new SluiceError({
    code: 'SLUICE_DLQ_NOT_RETRIABLE',
    message: `${letterIdText(id)} cannot be retried: ${why.fault}`,
    remedy: why.remedy,
    details: { id: letterIdText(id), source: letter.source },
  })
}

const whyNot = (
  { id, letter }: Pick<ParkedLetter, 'id' | 'letter'>,
  source: SourceTopic,
): { readonly fault: string; readonly remedy: string } | undefined => {
  const { topic, partition, offset } = letter.source
  if (topic === '' || partition < 0)
    return {
      fault: 'it does not say where it came from',
      remedy: 'find out who wrote it; drop it',
    }
  if (letter.leftOut.length > 0)
    return {
      fault: `its ${letter.leftOut.join(', ')} ${letter.leftOut.length === 1 && letter.leftOut[0] !== 'headers' ? 'was' : 'were'} too large for ${id.topic} and not kept`,
      remedy: `the record itself lies at ${topic}[${partition}] offset ${offset} as long as that topic keeps it: have its producer send it again, and drop the letter`,
    }
  if (source === undefined)
    return {
      fault: `its source ${topic} does not exist any more`,
      remedy: 'start the workers, which create their topics; or drop it',
    }
  if (partition >= source.partitions)
    return {
      fault: `its source ${topic} has only ${source.partitions} partitions now, and it came from partition ${partition}`,
      remedy: 'have its producer send it again, and drop the letter',
    }
  if (!fitsTopic(retriedRecord({ id, letter }), source.maxMessageBytes))
    return {
      fault: `with the headers of a retry it is larger than the ${source.maxMessageBytes} bytes that ${topic} takes`,
      remedy: `raise max.message.bytes of ${topic}`,
    }
  return undefined
}
