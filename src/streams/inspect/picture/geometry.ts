export interface Point {
  readonly x: number
  readonly y: number
}

/** `x` and `y` are the upper left corner. */
export interface Rectangle extends Point {
  readonly width: number
  readonly height: number
}

/** Whether two rectangles have more in common than an edge. */
export const overlap = (one: Rectangle, other: Rectangle): boolean =>
  one.x < other.x + other.width &&
  other.x < one.x + one.width &&
  one.y < other.y + other.height &&
  other.y < one.y + one.height

/** Whether the straight line between two points passes through a rectangle (Liang and Barsky's clipping). */
export const segmentHits = (from: Point, to: Point, rectangle: Rectangle): boolean => {
  const dx = to.x - from.x
  const dy = to.y - from.y
  let enters = 0
  let leaves = 1
  for (const [slope, distance] of [
    [-dx, from.x - rectangle.x],
    [dx, rectangle.x + rectangle.width - from.x],
    [-dy, from.y - rectangle.y],
    [dy, rectangle.y + rectangle.height - from.y],
  ] as const) {
    if (slope === 0) {
      if (distance <= 0) return false
      continue
    }
    const at = distance / slope
    if (slope < 0) enters = Math.max(enters, at)
    else leaves = Math.min(leaves, at)
  }
  return enters < leaves
}
