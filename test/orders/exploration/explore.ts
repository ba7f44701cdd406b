/** What may happen next. `step`: somebody goes on by himself; `fault`: he may not; `delivery`: a request that was delayed arrives. */
export interface Step {
  readonly kind: 'step' | 'fault' | 'delivery'
  readonly to: readonly number[]
  readonly label: () => string
}

/** A system as states and steps between them; a state is a vector of numbers, always of the same length. */
export interface Space {
  readonly initial: readonly number[]
  /** Undefined when something has to be computed first, by `fill`. */
  successors(state: readonly number[]): readonly Step[] | undefined
  fill(): Promise<void>
  /** What is wrong with a state; `isRest` when nobody goes on by himself any more. */
  violation(state: readonly number[], isRest: boolean): string | undefined
}

export interface Exploration {
  readonly states: number
  readonly steps: number
  readonly rests: number
  /** Steps of the longest of the shortest ways to a state. */
  readonly depth: number
  /** The first violation found, which no shorter way leads to, or nothing. */
  readonly violation: { readonly what: string; readonly way: readonly string[] } | undefined
}

const createInts = () => {
  let ints = new Int32Array(1 << 16)
  let length = 0
  return {
    push: (value: number): void => {
      if (length === ints.length) {
        const longer = new Int32Array(length * 2)
        longer.set(ints)
        ints = longer
      }
      ints[length++] = value
    },
    at: (index: number): number => ints[index] as number,
    slice: (from: number, to: number): number[] => [...ints.subarray(from, to)],
    get length() {
      return length
    },
  }
}

type Ints = ReturnType<typeof createInts>

/** A state from which no rest can be reached without another fault; undefined when there is none. */
const findStuck = (states: number, froms: Ints, tos: Ints, rests: readonly number[]): number | undefined => {
  const first = new Int32Array(states + 1)
  for (let edge = 0; edge < tos.length; edge++) (first[tos.at(edge) + 1] as number)++
  for (let state = 0; state < states; state++) (first[state + 1] as number) += first[state] as number
  const next = first.slice()
  const sources = new Int32Array(tos.length)
  for (let edge = 0; edge < tos.length; edge++) sources[(next[tos.at(edge)] as number)++] = froms.at(edge)
  const reaches = new Uint8Array(states)
  const open = [...rests]
  for (const rest of rests) reaches[rest] = 1
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    for (let at = first[state] as number; at < (first[state + 1] as number); at++) {
      const source = sources[at] as number
      if (reaches[source] === 1) continue
      reaches[source] = 1
      open.push(source)
    }
  }
  const stuck = reaches.indexOf(0)
  return stuck === -1 ? undefined : stuck
}

/**
 * Visits every reachable state, nearest first, and ends at the first violation. Then looks whether a rest can be reached from
 * each. Rejects when there are more than `mostStates`: what was not finished proves nothing.
 *
 * @example const { states, violation } = await explore(space, 1_000_000)
 */
export const explore = async (space: Space, mostStates: number): Promise<Exploration> => {
  const width = space.initial.length
  const ids = new Map<string, number>()
  const vectors = createInts()
  const parents = createInts()
  const froms = createInts()
  const tos = createInts()
  const rests: number[] = []
  let steps = 0
  let depth = 0

  const add = (vector: readonly number[], parent: number): number => {
    const key = vector.join()
    const known = ids.get(key)
    if (known !== undefined) return known
    const id = ids.size
    ids.set(key, id)
    for (const value of vector) vectors.push(value)
    parents.push(parent)
    return id
  }
  const vectorOf = (state: number): number[] => vectors.slice(state * width, (state + 1) * width)
  const successorsOf = async (vector: readonly number[]): Promise<readonly Step[]> => {
    for (;;) {
      const found = space.successors(vector)
      if (found !== undefined) return found
      await space.fill()
    }
  }
  const wayTo = async (state: number): Promise<string[]> => {
    const way: string[] = []
    for (let at = state; parents.at(at) !== -1; at = parents.at(at)) {
      const key = vectorOf(at).join()
      const taken = await successorsOf(vectorOf(parents.at(at)))
      way.push(taken.find(step => step.to.join() === key)?.label() ?? '?')
    }
    return way.toReversed()
  }
  const report = async (violation?: { state: number; what: string }): Promise<Exploration> => ({
    states: ids.size,
    steps,
    rests: rests.length,
    depth,
    violation:
      violation === undefined ? undefined : { what: violation.what, way: await wayTo(violation.state) },
  })

  add(space.initial, -1)
  let levelEnd = 1
  for (let state = 0; state < ids.size; state++) {
    if (state === levelEnd) {
      depth++
      levelEnd = ids.size
    }
    const vector = vectorOf(state)
    const next = await successorsOf(vector)
    const isRest = next.every(step => step.kind !== 'step')
    if (isRest) rests.push(state)
    const what = space.violation(vector, isRest)
    if (what !== undefined) return report({ state, what })
    for (const { kind, to } of next) {
      steps++
      const id = add(to, state)
      if (kind !== 'step') continue
      froms.push(state)
      tos.push(id)
    }
    if (ids.size > mostStates)
      throw new Error(`more than ${mostStates} states: the exploration is not finished`)
  }
  const stuck = findStuck(ids.size, froms, tos, rests)
  return report(stuck === undefined ? undefined : { state: stuck, what: 'never comes to rest from here' })
}
