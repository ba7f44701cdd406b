import { messageOf, SluiceError } from '../../core/errors.ts'

/** Cassandra did not answer within the request's time; what is unresolved is left to the reaper. */
export const stockUnavailable = (subject: string, cause: unknown): SluiceError =>
  new SluiceError({
    code: 'SLUICE_CASSANDRA_UNAVAILABLE',
    message: `${subject}: Cassandra did not answer in time (${messageOf(cause)})`,
    remedy: 'try again when Cassandra answers; whatever was taken is given back',
    reaction: 'retry',
    cause,
  })

/** Too many requests of this process wait for one SKU. */
export const stockBusy = (sku: string, waiting: number): SluiceError =>
  new SluiceError({
    code: 'SLUICE_STOCK_BUSY',
    message: `${waiting} requests already wait for SKU ${sku}`,
    remedy: 'try again in a moment, or add instances of the order service',
    reaction: 'retry',
    details: { sku, waiting },
  })

/** The SKU is in a mode that this process does not speak: selling it otherwise could sell it twice. */
export const modeUnsupported = (sku: string, mode: string): SluiceError =>
  new SluiceError({
    code: 'SLUICE_STOCK_MODE_UNSUPPORTED',
    message: `SKU ${sku} is in mode '${mode}', which this version does not implement`,
    remedy: "use mode 'lwt', or a version of the order service that implements the SKU's mode",
    details: { sku, mode },
  })

/** The entry's row is there, but not as the request would have it. */
export const reservationConflict = (sku: string, entry: string, found: string): SluiceError =>
  new SluiceError({
    code: 'SLUICE_STOCK_RESERVATION_CONFLICT',
    message: `the reservation of ${entry} for SKU ${sku} already exists, ${found}`,
    remedy: 'use a new id for a new order',
    details: { sku, entry },
  })

/** The request waited so long for others of its SKU that it was given up before it was begun. */
export const waitedInVain = (sku: string): SluiceError =>
  new SluiceError({
    code: 'SLUICE_CASSANDRA_UNAVAILABLE',
    message: `SKU ${sku}: requests before this one waited for Cassandra until its time was over`,
    remedy: 'try again when Cassandra answers; nothing was taken',
    reaction: 'retry',
    details: { sku, wasTried: false },
  })

/** Whether the error says that nothing was sent for the line, so that there is nothing to give back. */
export const wasNotTried = (error: unknown): boolean =>
  error instanceof SluiceError && (error.code === 'SLUICE_STOCK_BUSY' || error.details['wasTried'] === false)

/** Whether waiting can help. */
export const isUnavailable = (error: unknown): boolean =>
  error instanceof SluiceError && error.code === 'SLUICE_CASSANDRA_UNAVAILABLE'
