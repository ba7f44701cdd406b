import type { ConsumedRecord } from '../kafka/types.ts'

type RecordContent = Pick<ConsumedRecord, 'key' | 'value' | 'timestamp' | 'headers'>

/** A key as people read it. */
export const keyText = (key: Buffer | null): string => (key === null ? '(no key)' : key.toString('utf8'))

const isSame = (left: Buffer | null, right: Buffer | null): boolean =>
  left === null || right === null ? left === right : left.equals(right)

/** What two records have differently, in words; empty when they are equal byte for byte. Offsets are not looked at. */
export const differencesIn = (live: RecordContent, replayed: RecordContent): readonly string[] => {
  const names = live.headers.map(([name]) => name).join(', ')
  const otherNames = replayed.headers.map(([name]) => name).join(', ')
  const headers =
    names === otherNames
      ? live.headers.flatMap(([name, value], index) =>
          isSame(value, replayed.headers[index]?.[1] ?? null) ? [] : [`header ${name}`],
        )
      : [`headers (${names}; ${otherNames})`]
  return [
    ...(isSame(live.key, replayed.key) ? [] : ['key']),
    ...(isSame(live.value, replayed.value) ? [] : ['value']),
    ...(live.timestamp === replayed.timestamp
      ? []
      : [`timestamp (${live.timestamp}; ${replayed.timestamp})`]),
    ...headers,
  ]
}
