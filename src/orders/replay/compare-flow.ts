import { PartFindings, type ComparedPart } from '../../replay/difference.ts'
import { endText, type FlowOutcome } from './flow-outcome.ts'

/** What may differ although nothing is wrong. */
export interface FlowCoverage {
  /** Live has read orders that were not replayed; only orders of the replay count, and no sums. */
  readonly isLiveAhead: boolean
  /** Live has still to finish what it has read. */
  readonly isLiveUnfinished: boolean
  readonly isPartial: boolean
}

/** Compares two outcomes of the flow: each order's content and end, each SKU's numbers, and the sets of events. */
export const compareOutcomes = (
  live: FlowOutcome,
  replayed: FlowOutcome,
  coverage: FlowCoverage,
): readonly ComparedPart[] => [
  compareOrders(live, replayed, coverage),
  compareLevels(live, replayed, coverage),
  compareTallies(live, replayed, coverage),
]

const compareOrders = (live: FlowOutcome, replayed: FlowOutcome, coverage: FlowCoverage): ComparedPart => {
  const findings = new PartFindings('orders')
  const { isLiveAhead, isLiveUnfinished, isPartial } = coverage
  for (const orderId of new Set([...live.orders.keys(), ...replayed.orders.keys()])) {
    const [one, other] = [live.orders.get(orderId), replayed.orders.get(orderId)]
    if (other === undefined) {
      if (isLiveAhead || isPartial) findings.undecided++
      else findings.differs(orderId, 'is not in the replay')
    } else if (one?.created !== other.created || one?.end !== other.end) {
      if (isPartial || (isLiveUnfinished && one?.end === undefined)) findings.undecided++
      else findings.differs(orderId, orderDifference(one, other))
    } else findings.equal++
  }
  return findings.result()
}

type OrderOutcome = FlowOutcome['orders'] extends Map<string, infer O> ? O : never

const orderDifference = (live: OrderOutcome | undefined, replayed: OrderOutcome): string => {
  if (live === undefined) return 'is only in the replay'
  if (live.created !== replayed.created) return 'was created with another content'
  const [one, other] = [endText(live.end), endText(replayed.end)]
  return one === other ? `${one} with another content` : `${one} live, ${other} replayed`
}

const compareLevels = (live: FlowOutcome, replayed: FlowOutcome, coverage: FlowCoverage): ComparedPart => {
  const findings = new PartFindings('stock per SKU')
  for (const sku of new Set([...live.levels.keys(), ...replayed.levels.keys()])) {
    const [one, other] = [live.levels.get(sku), replayed.levels.get(sku)]
    if (one === other) findings.equal++
    else if (isDecided(coverage))
      findings.differs(sku, `${one ?? 'nothing'} live; ${other ?? 'nothing'} replayed`)
    else findings.undecided++
  }
  return findings.result()
}

const compareTallies = (live: FlowOutcome, replayed: FlowOutcome, coverage: FlowCoverage): ComparedPart => {
  const findings = new PartFindings('sets of events')
  for (const name of new Set([...live.tallies.keys(), ...replayed.tallies.keys()])) {
    const nothing = { count: 0, units: 0, digest: 0n }
    const [one, other] = [live.tallies.get(name) ?? nothing, replayed.tallies.get(name) ?? nothing]
    if (one.count === other.count && one.units === other.units && one.digest === other.digest)
      findings.equal++
    else if (!isDecided(coverage)) findings.undecided++
    else
      findings.differs(
        name,
        `${one.count} events, ${one.units} units live; ${other.count} events, ${other.units} units replayed${
          one.count === other.count && one.units === other.units ? ', not the same ones' : ''
        }`,
      )
  }
  return findings.result()
}

const isDecided = ({ isLiveAhead, isLiveUnfinished, isPartial }: FlowCoverage): boolean =>
  !isLiveAhead && !isLiveUnfinished && !isPartial
