import type { ShapeKind } from './graph.ts'
import type { Rectangle } from './geometry.ts'

const round = (value: number): number => Math.round(value * 10) / 10

const path = (data: string): string => `<path d="${data}"/>`

/** The outline of a kind in its rectangle; kinds differ in shape, so that they can be told apart without colours. */
export const outlineOf = (kind: ShapeKind, rectangle: Rectangle): string => {
  const [x, y, width, height] = [rectangle.x, rectangle.y, rectangle.width, rectangle.height].map(round) as [
    number,
    number,
    number,
    number,
  ]
  const right = round(x + width)
  const bottom = round(y + height)
  const middle = round(y + height / 2)
  switch (kind) {
    case 'step':
      return `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="7"/>`
    case 'sink': {
      // A tag whose point shows where the records go.
      const shoulder = round(bottom - 12)
      return path(`M${x} ${y}H${right}V${shoulder}L${round(x + width / 2)} ${bottom}L${x} ${shoulder}Z`)
    }
    case 'effect':
      return path(
        `M${round(x + 16)} ${y}H${round(right - 16)}L${right} ${middle}L${round(right - 16)} ${bottom}H${round(x + 16)}L${x} ${middle}Z`,
      )
    case 'store': {
      const rx = round(width / 2)
      return path(
        `M${x} ${y + 7}A${rx} 7 0 0 1 ${right} ${y + 7}V${bottom - 7}A${rx} 7 0 0 1 ${x} ${bottom - 7}ZM${x} ${y + 7}A${rx} 7 0 0 0 ${right} ${y + 7}`,
      )
    }
    case 'topic':
    case 'repartition': {
      // A pipe lying on its side: a log that is written at one end.
      const ry = round(height / 2)
      return path(
        `M${x + 9} ${y}H${right - 9}A9 ${ry} 0 0 1 ${right - 9} ${bottom}H${x + 9}A9 ${ry} 0 0 1 ${x + 9} ${y}ZM${right - 9} ${y}A9 ${ry} 0 0 0 ${right - 9} ${bottom}`,
      )
    }
  }
}

/** Where the middle of the text lies, a little off the middle of some shapes. */
export const textPlace = (kind: ShapeKind, { x, y, width, height }: Rectangle): { x: number; y: number } => {
  const offset = kind === 'sink' ? -5 : kind === 'store' ? 5 : 0
  const aside = kind === 'topic' || kind === 'repartition' ? -5 : 0
  return { x: round(x + width / 2 + aside), y: round(y + height / 2 + offset) }
}
