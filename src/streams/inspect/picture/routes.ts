import type { Point, Rectangle } from './geometry.ts'

/** An edge as the layout gives it: from side to side, aimed at the middles of both nodes. */
export interface RawRoute {
  readonly from: string
  readonly to: string
  readonly points: readonly Point[]
}

// An edge enters and leaves upright, so that it passes no neighbour of its node.
const stub = 11
const widestStep = 18

/** Where along a node's side each of its edges begins or ends, in the order of where they go. */
const portsAlong = (
  node: Rectangle,
  routes: readonly RawRoute[],
  towards: (route: RawRoute) => number,
): Map<RawRoute, number> => {
  const step = Math.min(widestStep, (node.width * 0.6) / Math.max(routes.length, 1))
  const middle = node.x + node.width / 2
  const sorted = routes.toSorted((one, other) => towards(one) - towards(other))
  return new Map(sorted.map((route, index) => [route, middle + (index - (sorted.length - 1) / 2) * step]))
}

/**
 * Lets edges that go down leave at the bottom of their node and enter at the top, beside each other; edges that go back up stay
 * as the layout has them.
 */
export const routeEdges = <R extends RawRoute>(
  routes: readonly R[],
  nodes: ReadonlyMap<string, Rectangle>,
): Map<R, readonly Point[]> => {
  const place = (id: string): Rectangle => nodes.get(id) ?? { x: 0, y: 0, width: 0, height: 0 }
  const goesDown = ({ from, to }: RawRoute): boolean => place(from).y + place(from).height < place(to).y
  const down = routes.filter(goesDown)
  const inner = (route: RawRoute): readonly Point[] => route.points.slice(1, -1)
  const starts = new Map<RawRoute, number>()
  const ends = new Map<RawRoute, number>()
  for (const [id, leaving] of Map.groupBy(down, ({ from }) => from))
    for (const [route, x] of portsAlong(place(id), leaving, route => inner(route)[0]?.x ?? 0))
      starts.set(route, x)
  for (const [id, entering] of Map.groupBy(down, ({ to }) => to))
    for (const [route, x] of portsAlong(place(id), entering, route => inner(route).at(-1)?.x ?? 0))
      ends.set(route, x)
  return new Map(
    routes.map(route => {
      const startX = starts.get(route)
      const endX = ends.get(route)
      if (startX === undefined || endX === undefined) return [route, route.points]
      const bottom = place(route.from).y + place(route.from).height
      const top = place(route.to).y
      const between = inner(route).filter(({ y }) => y > bottom + stub && y < top - stub)
      return [
        route,
        [
          { x: startX, y: bottom },
          { x: startX, y: Math.min(bottom + stub, top) },
          ...between,
          { x: endX, y: Math.max(top - stub, bottom) },
          { x: endX, y: top },
        ],
      ]
    }),
  )
}
