import type { Clock } from '../../../src/core/clock.ts'
import type { Random } from '../../../src/core/random.ts'
import { startWorker, type BookWorker, type WorkerLaunch } from './workers.ts'

const losses = ['stop', 'kill', 'sleep', 'replace'] as const
type Loss = (typeof losses)[number]

/** What happens to a worker: it is started, told to stop, killed, put to sleep past its session, replaced in its sleep. */
export type StormEvent = 'start' | Loss

export interface StormOptions {
  readonly launch: WorkerLaunch
  readonly instances: readonly string[]
  readonly clock: Clock
  readonly random: Random
  readonly durationMs: number
  readonly eventIntervalMs: number
  /** Longer than the session. */
  readonly sleepMs: number
}

export interface StormReport {
  readonly events: Readonly<Record<StormEvent, number>>
  /** Workers that ended although nobody asked them to, and those that did not when they should have. */
  readonly faults: readonly string[]
}

interface Sleeper {
  readonly worker: BookWorker
  readonly wakeAt: number
  /** Has its instance id: when the sleeper wakes, it has to end. */
  readonly replacement: BookWorker | undefined
}

const endsWithinMs = 60_000

/** One worker joins or leaves at every interval, and one at least goes on. */
export class Storm {
  readonly #options: StormOptions
  readonly #running = new Map<string, BookWorker>()
  readonly #sleepers = new Map<string, Sleeper>()
  /** Instances whose former process is still to end. */
  readonly #contested = new Set<string>()
  readonly #ending: Promise<void>[] = []
  readonly #events: Record<StormEvent, number> = { start: 0, stop: 0, kill: 0, sleep: 0, replace: 0 }
  readonly #faults: string[] = []
  #losses = 0

  constructor(options: StormOptions) {
    this.#options = options
    this.#startAll()
  }

  /** Resolves when all instances have joined. */
  async joined(): Promise<void> {
    while (this.#joined().length < this.#options.instances.length) await this.#options.clock.sleep(50)
  }

  /** At its end nobody sleeps and all instances run. */
  async run(): Promise<StormReport> {
    const { clock, durationMs, eventIntervalMs } = this.#options
    for (const startedAt = clock.now(); clock.now() - startedAt < durationMs;) {
      this.#look()
      this.#next()
      await clock.sleep(eventIntervalMs)
    }
    while (this.#sleepers.size > 0) {
      this.#look()
      await clock.sleep(50)
    }
    await Promise.all(this.#ending)
    this.#startAll()
    return { events: this.#events, faults: this.#faults }
  }

  /** Stops all; resolves with all faults. */
  async stop(): Promise<readonly string[]> {
    for (const { worker } of this.#sleepers.values()) this.#ending.push(worker.stop('SIGKILL'))
    this.#sleepers.clear()
    this.#look()
    for (const [instance, worker] of this.#running) this.#stop(instance, worker)
    await Promise.all(this.#ending)
    return this.#faults
  }

  #joined(): [string, BookWorker][] {
    return [...this.#running].filter(([, worker]) => worker.hasJoined())
  }

  #startAll(): void {
    for (const instance of this.#absent()) this.#start(instance)
  }

  #absent(): string[] {
    return this.#options.instances.filter(one => !this.#running.has(one) && !this.#sleepers.has(one))
  }

  /** Wakes who has slept enough, and misses who has ended. */
  #look(): void {
    const now = this.#options.clock.now()
    for (const [instance, { worker, wakeAt, replacement }] of this.#sleepers) {
      if (wakeAt > now || replacement?.hasJoined() === false) continue
      this.#sleepers.delete(instance)
      worker.signal('SIGCONT')
      if (replacement === undefined) this.#running.set(instance, worker)
      else {
        this.#running.set(instance, replacement)
        this.#ending.push(this.#untilReplaced(instance, worker))
      }
    }
    for (const [instance, worker] of this.#running) {
      const end = worker.ended()
      if (end === undefined) continue
      this.#faults.push(`${worker.name} ended by itself: ${JSON.stringify(end)}`)
      this.#running.delete(instance)
    }
  }

  #next(): void {
    const { random } = this.#options
    const pick = <T>(among: readonly T[]): T | undefined => among[Math.floor(random() * among.length)]
    const absent = pick(this.#absent())
    const joined = this.#joined()
    const present =
      joined.length > 1 ? pick(joined.filter(([instance]) => !this.#contested.has(instance))) : undefined
    if (absent !== undefined && (present === undefined || random() < 0.5)) this.#start(absent)
    else if (present !== undefined) this.#lose(...present)
  }

  #start(instance: string): BookWorker {
    const worker = startWorker(this.#options.launch, instance, `${instance}-${++this.#events.start}`)
    this.#running.set(instance, worker)
    return worker
  }

  #lose(instance: string, worker: BookWorker): void {
    const how = losses[this.#losses++ % losses.length] as Loss
    this.#events[how]++
    if (how === 'stop') {
      this.#stop(instance, worker)
      return
    }
    this.#running.delete(instance)
    if (how === 'kill') {
      this.#ending.push(worker.stop('SIGKILL'))
      return
    }
    worker.signal('SIGSTOP')
    const replacement = how === 'replace' ? this.#start(instance) : undefined
    this.#running.delete(instance)
    this.#sleepers.set(instance, {
      worker,
      wakeAt: this.#options.clock.now() + this.#options.sleepMs,
      replacement,
    })
  }

  #stop(instance: string, worker: BookWorker): void {
    this.#running.delete(instance)
    const stopping = async (): Promise<void> => {
      await worker.stop('SIGTERM')
      const { exitCode } = worker.ended() ?? {}
      if (exitCode !== 0 && worker.hasJoined())
        this.#faults.push(`${worker.name} was told to stop and ended with ${exitCode}`)
    }
    this.#ending.push(stopping())
  }

  async #untilReplaced(instance: string, worker: BookWorker): Promise<void> {
    const { clock } = this.#options
    this.#contested.add(instance)
    for (const wokeAt = clock.now(); worker.ended() === undefined; await clock.sleep(50)) {
      if (clock.now() - wokeAt < endsWithinMs) continue
      this.#faults.push(`${worker.name} woke and did not end, although it was replaced`)
      await worker.stop('SIGKILL')
    }
    if (!worker.said('SLUICE_KAFKA_INSTANCE_FENCED'))
      this.#faults.push(`${worker.name} did not say why it ended`)
    this.#contested.delete(instance)
  }
}
