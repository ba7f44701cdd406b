/** Every named place at which a test can kill a process, with what has just happened there. */
export const crashPoints = {
  'order.after-intent': 'the intent is recorded, nothing is reserved',
  'order.after-reserve': 'stock is taken, Postgres knows nothing',
  'order.after-commit': 'Postgres holds the order, its intent is still there',
  'order.before-answer': 'all is done but the answer',
  'order.before-drop-key': 'refused for want of stock, its Idempotency-Key still claimed',
  'takeover.after-abandon': 'the entry of a dead request is abandoned, its stock not given back',
  'takeover.after-release': 'its stock is given back, the key is still the dead one’s',
  'reservation.after-line': 'one line of an order is taken, others may not be',
  'reservation.before-give-back': 'a line was short, those taken are still held',
  'reservation.after-give-back': 'one of those lines is given back',
  'roll.after-close': 'a generation is closed, the next is not open',
  'roll.after-open': 'the next is open, the hint still names the closed one',
  'reaper.before-abandon': 'an intent was found, nothing is done about it',
  'reaper.after-abandon': 'its entry is abandoned, its stock not given back',
  'reaper.after-release': 'its stock is given back, the intent is still there',
  'relay.after-claim': 'the position bears the new owner, the former one may still stream',
  'relay.after-send': 'records are written in an open transaction',
  'relay.after-commit': 'Kafka has committed, Postgres is not told',
  'transaction.opened': 'a transaction is begun at the coordinator, nothing is written in it',
  'effects.before': 'a turn is drained, none of its effects has begun',
  'settlement.after-older': 'rows of closed generations are marked, the numbers are not counted',
  'settlement.after-sku': 'one SKU of a turn is settled, others may not be',
  'settlement.after-stock': 'a turn’s stock is settled, its offsets are not committed',
  'settlement.after-orders': 'orders have their end, the offsets are not committed',
  'materializer.after-write': 'one partition of a turn is written, others may not be',
  'materializer.after-all': 'a turn is written, its offsets are not committed',
  'prune.before-delete': 'the hint is past them, no old generation is deleted',
  'prune.after-delete': 'one old generation is deleted, others may not be',
  'commit.after-send': 'all records of a turn are written, its offsets are not',
  'commit.after-offsets': 'records and offsets are written, the transaction is open',
  'commit.after-end': 'the transaction has committed, the turn’s writes are not yet state',
  'dead-letter.after-send': 'letters are sent again with their marks, the transaction is open',
  'dead-letter.after-commit': 'a transaction of letters has committed, the next has not begun',
  'restore.after-fence': 'a former owner is fenced, its offsets are not read',
  'restore.after-offsets': 'the offsets are read, no state is',
  'restore.after-records': 'a part of the state is read',
  'rebalance.before-revoke': 'tasks are to be given up, their turn is not committed',
  'rebalance.after-revoke': 'their turn is committed, the next join has not begun',
} as const satisfies Readonly<Record<string, string>>

/** A place's name, `<part>.<moment>`. */
export type CrashPointName = keyof typeof crashPoints

/** All names, in the order of the flow. */
export const crashPointNames = Object.keys(crashPoints) as readonly CrashPointName[]

/**
 * Called at a named place; returns, or never does. Whoever passes such places takes it as an option and calls
 * `crash?.('order.after-commit')`, so that nothing at all happens where it is not given.
 */
export type CrashPoints = (name: CrashPointName) => void

/** Whether this pass of a place is the one to die at. */
export type CrashTrigger = (name: CrashPointName) => boolean

/** True for a name of the list. */
export const isCrashPointName = (name: string): name is CrashPointName => Object.hasOwn(crashPoints, name)

/**
 * Dies at the `pass`-th time (from 1) that a place is passed.
 *
 * @example crashAt('relay.after-commit', 2)
 */
export const crashAt = (name: CrashPointName, pass = 1): CrashTrigger => {
  let passes = 0
  return passed => passed === name && ++passes === pass
}

/** Dies at any place with a probability, by numbers between 0 and 1 that the caller gives. */
export const crashAtRandom =
  (random: () => number, probability: number): CrashTrigger =>
  () =>
    random() < probability

/**
 * Crash points at work. `die` must end the process without letting anything be finished or flushed.
 *
 * @example const crash = createCrashPoints(crashAt('order.after-reserve'), name => process.kill(process.pid, 'SIGKILL'))
 */
export const createCrashPoints =
  (trigger: CrashTrigger, die: (name: CrashPointName) => void): CrashPoints =>
  name => {
    if (trigger(name)) die(name)
  }
