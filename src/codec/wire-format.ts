import { SluiceError } from '../core/errors.ts'

/** Bytes in front of the Avro body: magic 0, then the schema id, big-endian. */
export const prefixLength = 5

/**
 * The schema id of a value in Confluent's wire format.
 *
 * Errors: `SLUICE_CODEC_NOT_WIRE_FORMAT` for another magic byte or fewer than 5 bytes.
 */
export const schemaIdOf = (bytes: Buffer): number => {
  if (bytes.length < prefixLength || bytes[0] !== 0) throw notWireFormat(bytes)
  return bytes.readUInt32BE(1)
}

const notWireFormat = (bytes: Buffer): SluiceError =>
  new SluiceError({
    code: 'SLUICE_CODEC_NOT_WIRE_FORMAT',
    message:
      bytes.length < prefixLength
        ? `a value of ${bytes.length} bytes is too short for the registry's wire format`
        : `a value begins with byte ${bytes[0]}, not with the registry's wire format (0 and a schema id)`,
    remedy: 'the topic holds values of another producer: use its format, or send it to the dead-letter topic',
    details: { length: bytes.length },
  })
