import { overlap, segmentHits, type Point, type Rectangle } from './geometry.ts'

/** A box around nodes, and where its label stands in it. */
export interface Frame extends Rectangle {
  readonly labelAt: Rectangle
}

/** What a label must not meet, and what a box must not grow into. */
export interface Surroundings {
  readonly members: readonly Rectangle[]
  readonly strangers: readonly Rectangle[]
  readonly lines: readonly (readonly Point[])[]
}

const padding = 12
const labelHeight = 18
const inset = 6
const distance = 3
const extensions = [0, 10, 20, 30, 40, 60, 80, 120, 160, 200]

/** The members' hull with some room. */
export const hullOf = (members: readonly Rectangle[]): Rectangle => {
  const left = Math.min(...members.map(({ x }) => x)) - padding
  const top = Math.min(...members.map(({ y }) => y)) - padding
  const right = Math.max(...members.map(({ x, width }) => x + width)) + padding
  const bottom = Math.max(...members.map(({ y, height }) => y + height)) + padding
  return { x: left, y: top, width: right - left, height: bottom - top }
}

const meetsLine = (place: Rectangle, lines: Surroundings['lines']): boolean =>
  lines.some(points =>
    points.some((point, index) => {
      const next = points[index + 1]
      return next !== undefined && segmentHits(point, next, place)
    }),
  )

const grown = ({ x, y, width, height }: Rectangle, by: number): Rectangle => ({
  x: x - by,
  y: y - by,
  width: width + 2 * by,
  height: height + 2 * by,
})

function* candidates(hull: Rectangle, labelWidth: number): Generator<Frame> {
  for (const extension of extensions) {
    for (const side of ['top', 'bottom'] as const) {
      for (const align of ['left', 'right', 'middle'] as const) {
        const missing = Math.max(0, labelWidth + 2 * inset - hull.width)
        const more = extension + (align === 'middle' ? missing / 2 : missing)
        const x = align === 'right' ? hull.x : hull.x - more
        const width = hull.width + (align === 'middle' ? 2 * more : more)
        const y = side === 'top' ? hull.y - labelHeight : hull.y
        const frame = { x, y, width, height: hull.height + labelHeight }
        const aside =
          align === 'left' ? inset : align === 'right' ? width - labelWidth - inset : (width - labelWidth) / 2
        const down = side === 'top' ? 4 : frame.height - labelHeight - 4
        yield { ...frame, labelAt: { x: x + aside, y: y + down, width: labelWidth, height: labelHeight } }
      }
    }
  }
}

/**
 * A box with its label where no line crosses it and no node lies; the box grows a little where it has to, but not into others.
 * Where nothing is free, the label stands at the upper left.
 */
export const frameOf = (labelWidth: number, { members, strangers, lines }: Surroundings): Frame => {
  const all = [...candidates(hullOf(members), labelWidth)]
  const isFree = ({ labelAt, ...frame }: Frame): boolean =>
    !meetsLine(grown(labelAt, distance), lines) &&
    !members.some(member => overlap(member, labelAt)) &&
    !strangers.some(stranger => overlap(grown(stranger, distance), frame))
  return all.find(isFree) ?? (all[0] as Frame)
}
