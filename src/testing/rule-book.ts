import type { Clock } from '../core/clock.ts'
import type { Exchange } from './exchange.ts'
import { describeFault, sideOf } from './faults.ts'
import type { Fault, FaultRule, InjectedFault } from './faults.ts'

/** A rule at work. */
export interface Injection {
  /** How often it has struck. */
  readonly struck: number
  /** Requests of `late` and `replay` without a time of their own that wait to be released. */
  readonly held: number
  /**
   * Resolves when it has struck as often as it should; never after `withdraw`. Rejects with `SLUICE_TESTING_NO_ANSWER` where
   * the proxy cannot word the error that was asked for.
   */
  readonly done: Promise<void>
  /** Resolves when it has struck at least so often. */
  strikes(count: number): Promise<void>
  /** Resolves when so many requests of `late` and `replay` have reached the server and been answered (or can't be any more). */
  arrivals(count: number): Promise<void>
  /** Lets the server have what is held. */
  release(): void
  /** Strikes no more. What is held stays held. */
  withdraw(): void
}

/** A rule's claim on one exchange, until it has taken effect or could not. */
export interface Strike<Answer> {
  readonly fault: Fault<Answer>
  /** It has happened. */
  struck(): void
  /** It could not happen: the connection ended first. Another exchange will suffer. */
  missed(): void
  /** The proxy does not know how: whoever waits for it is told. */
  failed(error: unknown): void
  /** Resolves when the injection is released. */
  released(): Promise<void>
  /** A request that came late or again has been answered. */
  arrived(): void
}

/** Counts, and wakes who waits for a count. */
class Tally {
  #count = 0
  readonly #waiting: {
    readonly count: number
    readonly resolve: () => void
    readonly reject: (error: unknown) => void
  }[] = []

  get count(): number {
    return this.#count
  }

  add(): void {
    this.#count += 1
    for (const { count, resolve } of this.#waiting) if (this.#count >= count) resolve()
  }

  fail(error: unknown): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }

  reaches(count: number): Promise<void> {
    if (this.#count >= count) return Promise.resolve()
    return new Promise((resolve, reject) => this.#waiting.push({ count, resolve, reject }))
  }
}

class RunningRule<Answer> implements Injection {
  readonly rule: FaultRule<Answer>
  readonly done: Promise<void>
  readonly #onStruck: (rule: string, exchange: Exchange) => void
  readonly #strikes = new Tally()
  readonly #arrivals = new Tally()
  #toSkip: number
  #left: number
  #isWithdrawn = false
  #releases: (() => void)[] = []

  constructor(rule: FaultRule<Answer>, onStruck: (rule: string, exchange: Exchange) => void) {
    this.rule = rule
    this.#left = rule.times ?? 1
    this.#toSkip = rule.skip ?? 0
    this.#onStruck = onStruck
    this.done = this.#strikes.reaches(this.#left)
  }

  get struck(): number {
    return this.#strikes.count
  }

  get held(): number {
    return this.#releases.length
  }

  strikes(count: number): Promise<void> {
    return this.#strikes.reaches(count)
  }

  arrivals(count: number): Promise<void> {
    return this.#arrivals.reaches(count)
  }

  release(): void {
    for (const release of this.#releases.splice(0)) release()
  }

  withdraw(): void {
    this.#isWithdrawn = true
  }

  claim(exchange: Exchange): Strike<Answer> | undefined {
    if (this.#isWithdrawn || this.#left <= 0 || !matches(this.rule, exchange)) return undefined
    if (this.#toSkip > 0) {
      this.#toSkip -= 1
      return undefined
    }
    this.#left -= 1
    let isOpen = true
    return {
      fault: this.rule.fault,
      struck: () => {
        if (!isOpen) return
        isOpen = false
        this.#onStruck(this.rule.name ?? describeFault(this.rule.fault), exchange)
        this.#strikes.add()
      },
      missed: () => {
        if (!isOpen) return
        isOpen = false
        this.#left += 1
      },
      failed: error => this.#strikes.fail(error),
      released: () => new Promise(resolve => this.#releases.push(resolve)),
      arrived: () => this.#arrivals.add(),
    }
  }
}

const matches = ({ api, mentions, where, fault }: FaultRule<unknown>, exchange: Exchange): boolean => {
  // What a server says unasked has no request that could suffer.
  if (exchange.from === 'server' && sideOf(fault) === 'request') return false
  if (api !== undefined && !(typeof api === 'string' ? api === exchange.api : api.includes(exchange.api)))
    return false
  if (mentions !== undefined && !exchange.statement.includes(mentions) && !exchange.bytes.includes(mentions))
    return false
  return where === undefined || where(exchange)
}

/** The rules of one proxy, in the order they were made: the first that claims an exchange has it. */
export class RuleBook<Answer> {
  readonly #protocol: string
  readonly #clock: Clock
  readonly #faults: InjectedFault[] = []
  #running: RunningRule<Answer>[] = []

  constructor(protocol: string, clock: Clock) {
    this.#protocol = protocol
    this.#clock = clock
  }

  /** Every fault that has struck, oldest first. */
  get faults(): readonly InjectedFault[] {
    return this.#faults
  }

  inject(rule: FaultRule<Answer>): Injection {
    const fault = describeFault(rule.fault)
    const running = new RunningRule(rule, (name, { api, statement, connection }) => {
      this.#faults.push({
        rule: name,
        fault,
        protocol: this.#protocol,
        api,
        statement,
        connection,
        atMs: this.#clock.now(),
      })
    })
    this.#running.push(running)
    return running
  }

  /** Ends all rules and releases what they hold. */
  clear(): void {
    for (const rule of this.#running.splice(0)) {
      rule.withdraw()
      rule.release()
    }
  }

  claim(exchange: Exchange): Strike<Answer> | undefined {
    for (const rule of this.#running) {
      const strike = rule.claim(exchange)
      if (strike !== undefined) return strike
    }
    return undefined
  }
}
