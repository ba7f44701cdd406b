import { gunzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { compressionsAlgorithms } from '@platformatic/kafka'
import { SluiceError } from '../core/errors.ts'

export type Compression = 'none' | 'lz4' | 'zstd'

/** The low three bits of a batch's attributes. */
const codecs = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const

export const codecOf = (compression: Compression): number => codecs[compression]

// A hostile or damaged batch must not be able to fill the memory; far above what max.message.bytes compresses to.
const maxOutputLength = 256 * 1024 * 1024

export const compress = (compression: Compression, data: Buffer): Buffer => {
  if (compression === 'lz4') return compressionsAlgorithms.lz4.compressSync(data)
  if (compression === 'zstd') return zstdCompressSync(data)
  return data
}

export const decompress = (codec: number, data: Buffer): Buffer => {
  switch (codec) {
    case codecs.none:
      return data
    case codecs.gzip:
      return gunzipSync(data, { maxOutputLength })
    case codecs.snappy:
      return compressionsAlgorithms.snappy.decompressSync(data)
    case codecs.lz4:
      return compressionsAlgorithms.lz4.decompressSync(data)
    case codecs.zstd:
      return zstdDecompressSync(data, { maxOutputLength })
    default:
      throw new SluiceError({
        code: 'SLUICE_KAFKA_UNKNOWN_COMPRESSION',
        message: `a record batch is compressed with the unknown codec ${codec}`,
        remedy: 'let its producer use none, gzip, snappy, lz4 or zstd',
      })
  }
}
