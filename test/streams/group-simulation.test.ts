import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeAssignmentData,
  encodeMemberData,
  taskAssignor,
} from '../../src/streams/runtime/group-protocol.ts'
import { planTasks } from '../../src/streams/runtime/task-plan.ts'
import { materializer } from '../../topology/materializer.ts'

// A group of workers and its broker, in which everything that can go wrong between two rebalances does. The assignor and its user
// data are the real ones; what a worker does with an assignment is WorkerSession's, a line for each of its steps.

const plan = planTasks(materializer, new Map([['stock-update', 7]]))
const taskIds = plan.map(({ id }) => id)

interface Worker {
  readonly name: string
  owned: Set<string>
  held: Set<string>
  living: readonly string[]
  generation: number
  /** Expelled by the group, and not aware of it yet. */
  isZombie: boolean
  isDead: boolean
}

class World {
  readonly workers = new Map<string, Worker>()
  readonly #members = new Set<string>()
  readonly #cached = new Map<string, Buffer>()
  readonly #committer = new Map<string, string>()
  /** Tasks with records in each worker's open transaction. */
  readonly #open = new Map<string, Set<string>>()
  /** Whose producer epoch is void. */
  readonly #fenced = new Set<string>()
  #generation = 0
  #started = 0

  start(): void {
    if (this.#living().length >= 5) return
    this.#add(`w${++this.#started}`)
  }

  kill(worker: Worker): void {
    worker.isDead = true
  }

  leave(worker: Worker): void {
    this.#open.delete(worker.name)
    worker.isDead = true
    if (!worker.isZombie) this.#expire(worker.name)
  }

  /** Killed and started again under its name, before its session has run out or after. */
  restart(worker: Worker): void {
    const cached = this.#cached.get(worker.name)
    const wasMember = this.#members.has(worker.name)
    worker.isDead = true
    const again = this.#add(worker.name)
    this.#open.delete(worker.name)
    if (wasMember && cached !== undefined) this.#apply(again, cached)
  }

  /** The group drops a worker that is silent. */
  expel(worker: Worker): void {
    if (!this.#members.has(worker.name)) return
    this.#expire(worker.name)
    worker.isZombie = true
  }

  /** A zombie hears of it. */
  notice(worker: Worker): void {
    if (!worker.isZombie) return
    this.#open.delete(worker.name)
    worker.held = new Set([...worker.held, ...worker.owned])
    worker.owned = new Set()
    worker.isZombie = false
    worker.generation = -1
    this.#members.add(worker.name)
  }

  /** All that own something have records of it in their open transaction, which may be aborted or committed at any time. */
  write(): void {
    for (const { name, owned, isZombie } of this.#living()) {
      // One that knows that it was fenced takes a new epoch; a zombie learns first that it is no member.
      if (isZombie && this.#fenced.has(name)) continue
      this.#fenced.delete(name)
      this.#open.set(name, new Set(owned))
    }
  }

  commit(): void {
    for (const { name, owned, isZombie } of this.#living()) {
      if (isZombie) continue
      for (const task of owned) this.#committer.set(task, name)
      this.#open.delete(name)
    }
  }

  /** Sessions of the dead run out, all others join; those in `deaf` never see the outcome, because another round supersedes it. */
  async rebalance(deaf: (index: number) => boolean): Promise<void> {
    for (const name of this.#members) if (this.workers.get(name)?.isDead === true) this.#expire(name)
    const joining = [...this.#members].flatMap(name => this.workers.get(name) ?? [])
    if (joining.length === 0) return
    const assign = taskAssignor(plan, async gone => gone.forEach(name => this.#fence(name)))
    const assignments = await assign(
      joining.map(({ name, owned, held, living, generation }) => ({
        memberId: name,
        topics: [],
        userData: encodeMemberData({
          transactionalId: name,
          generation,
          owned: [...owned],
          held: [...held],
          living,
        }),
      })),
    )
    this.#generation++
    for (const { memberId, userData } of assignments) this.#cached.set(memberId, userData)
    joining.forEach((worker, index) => {
      worker.generation = this.#generation
      if (!deaf(index)) this.#apply(worker, this.#cached.get(worker.name) as Buffer)
    })
  }

  settledOwners(): readonly (readonly string[])[] {
    return this.#living().map(({ owned }) => [...owned])
  }

  pick(index: number): Worker | undefined {
    const living = this.#living()
    return living[index % Math.max(living.length, 1)]
  }

  #living(): Worker[] {
    return [...this.workers.values()].filter(({ isDead }) => !isDead)
  }

  #add(name: string): Worker {
    const worker: Worker = {
      name,
      owned: new Set(),
      held: new Set(),
      living: [],
      generation: -1,
      isZombie: false,
      isDead: false,
    }
    this.workers.set(name, worker)
    this.#members.add(name)
    return worker
  }

  #fence(name: string): void {
    this.#open.delete(name)
    this.#fenced.add(name)
  }

  #expire(name: string): void {
    this.#members.delete(name)
    this.#cached.delete(name)
  }

  #apply(worker: Worker, bytes: Buffer): void {
    const { tasks, living } = decodeAssignmentData(bytes)
    worker.living = living
    const added = tasks.filter(task => !worker.owned.has(task))
    for (const task of added) this.#takeOver(worker, task)
    worker.held = new Set()
    worker.owned = new Set(tasks)
    // Tasks let go are committed or aborted before.
    this.#open.delete(worker.name)
  }

  #takeOver(worker: Worker, task: string): void {
    const former = this.#committer.get(task)
    if (former !== undefined && !worker.living.includes(former)) this.#fence(former)
    for (const other of this.#living()) {
      if (other === worker || other.isZombie) continue
      if (other.owned.has(task)) throw new Error(`${task} of ${other.name} was given to ${worker.name}`)
    }
    for (const [name, written] of this.#open) {
      if (name === worker.name) continue
      if (written.has(task)) throw new Error(`${worker.name} runs ${task} before ${name} was fenced`)
    }
    // Its offsets are committed under its name before anything is written.
    this.#committer.set(task, worker.name)
  }
}

const event = fc.oneof(
  fc.record({ kind: fc.constant('start' as const) }),
  fc.record({
    kind: fc.constantFrom(
      'kill' as const,
      'leave' as const,
      'restart' as const,
      'expel' as const,
      'notice' as const,
    ),
    who: fc.nat(9),
  }),

  fc.record({ kind: fc.constant('write' as const) }),
  fc.record({ kind: fc.constant('commit' as const) }),
  fc.record({ kind: fc.constant('rebalance' as const), deaf: fc.nat(31) }),
)

describe('workers that come and go', () => {
  it('never share a task, fence every former owner first, and end up with all tasks evenly', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 5, maxLength: 60 }), async events => {
        const world = new World()
        world.start()
        for (const each of events) {
          if (each.kind === 'start' || each.kind === 'write' || each.kind === 'commit') world[each.kind]()
          else if (each.kind === 'rebalance') await world.rebalance(index => (each.deaf & (1 << index)) !== 0)
          else {
            const worker = world.pick(each.who)
            if (worker !== undefined) world[each.kind](worker)
          }
        }
        world.start()
        for (const worker of world.workers.values()) if (!worker.isDead) world.notice(worker)
        for (let round = 0; round < 3; round++) await world.rebalance(() => false)
        const owned = world.settledOwners()
        expect(owned.flat().toSorted()).toEqual(taskIds.toSorted())
        const loads = owned.map(({ length }) => length)
        expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1)
      }),
      { numRuns: 1000 },
    )
  })
})
