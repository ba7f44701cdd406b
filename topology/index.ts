import type { Topology } from '../src/streams/dsl/index.ts'
import { materializer } from './materializer.ts'
import { orders } from './orders.ts'
import { settlement } from './settlement.ts'

/** Every topology of the application, by name: what the CLI runs, describes and replays. */
export const topologies: Readonly<Record<string, Topology>> = { orders, materializer, settlement }
