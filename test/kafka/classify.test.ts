import { GenericError, ProtocolError, ResponseError } from '@platformatic/kafka'
import { describe, expect, it } from 'vitest'
import { errorIdOf, handlingOf, isReplyLost, kafkaError } from '../../src/kafka/classify.ts'

const response = (...codes: number[]): ResponseError =>
  new ResponseError(0, 0, Object.fromEntries(codes.map((code, index) => [`/${index}`, [code, null]])), {})

describe('classify', () => {
  it.each([
    [90, 'SLUICE_KAFKA_PRODUCER_FENCED', 'rebuild-producer'],
    [47, 'SLUICE_KAFKA_PRODUCER_FENCED', 'rebuild-producer'],
    [120, 'SLUICE_KAFKA_TRANSACTION_ABORTABLE', 'forget-turn'],
    [22, 'SLUICE_KAFKA_STALE_GENERATION', 'retry'],
    [25, 'SLUICE_KAFKA_MEMBERSHIP_LOST', 'forget-turn'],
    [82, 'SLUICE_KAFKA_INSTANCE_FENCED', 'stop'],
    [1, 'SLUICE_KAFKA_OFFSET_OUT_OF_RANGE', 'stop'],
    [10, 'SLUICE_KAFKA_RECORD_TOO_LARGE', 'stop'],
    [6, 'SLUICE_KAFKA_UNAVAILABLE', 'retry'],
    [51, 'SLUICE_KAFKA_UNAVAILABLE', 'retry'],
  ])('turns error %i into %s with reaction %s', (code, expected, reaction) => {
    expect(kafkaError(response(code), 'x')).toMatchObject({ code: expected, reaction })
  })

  it('lets a partition that refuses decide over those that can be retried', () => {
    expect(errorIdOf(response(6, 55, 10))).toBe('MESSAGE_TOO_LARGE')
    expect(handlingOf(response(55, 6))).toBe('find-leader')
  })

  it('tells a lost reply from an answer', () => {
    expect(isReplyLost(new GenericError('PLT_KFK_NETWORK', 'closed'))).toBe(true)
    expect(isReplyLost(new ProtocolError(15))).toBe(false)
    expect(isReplyLost(new TypeError('bug'))).toBe(false)
  })
})
