import type { Point } from './geometry.ts'
import { pictureOf, type ShapeKind } from './graph.ts'
import { characterWidth, fontSize, placePicture, type PlacedNode, type PlacedPicture } from './layout.ts'
import { outlineOf, textPlace } from './shapes.ts'
import type { TopologyDocument } from '../document.ts'

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

const round = (value: number): number => Math.round(value * 10) / 10

// Contrast of every text to its ground is above 7 : 1 in both schemes.
const style = (scope: string): string => `
  .${scope} { color-scheme: light dark; --paper: #ffffff; --ink: #1d2733; --line: #56657a; --soft: #f3f5f8;
    --topic: #fbf1de; --topic-line: #8a5b0c; --store: #e3eefa; --store-line: #245f96; --step: #ffffff;
    --sink: #eaf6ee; --sink-line: #226b3c; --effect: #f5eafa; --effect-line: #73408c }
  @media (prefers-color-scheme: dark) {
    .${scope} { --paper: #11161d; --ink: #e8edf4; --line: #a3b2c6; --soft: #1a212b;
      --topic: #372b13; --topic-line: #e4b35a; --store: #14304b; --store-line: #74b5f0; --step: #27303c;
      --sink: #17331f; --sink-line: #7ed09a; --effect: #34203f; --effect-line: #d3a0ec }
  }
  .${scope} .paper { fill: var(--paper) }
  .${scope} text { font: ${fontSize}px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace;
    fill: var(--ink); text-anchor: middle; dominant-baseline: central }
  .${scope} .box rect { fill: var(--soft); stroke: var(--line); stroke-dasharray: none; stroke-opacity: .55 }
  .${scope} .box text { font-size: 12px; text-anchor: start }
  .${scope} .node > * { stroke-width: 1.5 }
  .${scope} .node > text, .${scope} .node > title { stroke: none }
  .${scope} .topic, .${scope} .repartition { fill: var(--topic); stroke: var(--topic-line) }
  .${scope} .repartition { stroke-dasharray: 5 3 }
  .${scope} .step { fill: var(--step); stroke: var(--line) }
  .${scope} .store { fill: var(--store); stroke: var(--store-line) }
  .${scope} .sink { fill: var(--sink); stroke: var(--sink-line) }
  .${scope} .effect { fill: var(--effect); stroke: var(--effect-line) }
  .${scope} .record, .${scope} .state { fill: none; stroke: var(--line); stroke-width: 1.4 }
  .${scope} .state { stroke-dasharray: 2 3 }
  .${scope} .tip { fill: var(--line) }
  .${scope} .legend text { font-size: 12px; text-anchor: start }`

/** A line that goes straight to each bend and rounds it. */
const curve = (points: readonly Point[]): string => {
  const at = ({ x, y }: Point): string => `${round(x)} ${round(y)}`
  const between = (one: Point, other: Point): Point => ({
    x: (one.x + other.x) / 2,
    y: (one.y + other.y) / 2,
  })
  const [first, ...rest] = points
  if (first === undefined) return ''
  const bends = rest.map((point, index) => {
    const next = rest[index + 1]
    return next === undefined ? `L${at(point)}` : `Q${at(point)} ${at(between(point, next))}`
  })
  return `M${at(first)}${bends.join('')}`
}

const nodeOf = (node: PlacedNode): string => {
  const { x, y } = textPlace(node.kind, node)
  // The length is set, so that a wider font can't leave the shape.
  const length = round(node.label.length * characterWidth * 0.985)
  return `<g class="node ${node.kind}"><title>${escaped(node.about)}</title>${outlineOf(node.kind, node)}<text x="${x}" y="${y}" textLength="${length}" lengthAdjust="spacingAndGlyphs">${escaped(node.label)}</text></g>`
}

const legendNames: Readonly<Record<ShapeKind, string>> = {
  topic: 'topic',
  repartition: 'repartition topic',
  step: 'step',
  store: 'state store',
  sink: 'sink',
  effect: 'effect',
}
const legendHeight = 44

const legendOf = (picture: PlacedPicture): { readonly width: number; readonly text: string } => {
  const kinds = (Object.keys(legendNames) as ShapeKind[]).filter(kind =>
    picture.nodes.some(node => node.kind === kind),
  )
  let x = 20
  const y = picture.height + 6
  const parts = kinds.map(kind => {
    const shape = outlineOf(kind, { x, y, width: 34, height: 22 })
    const label = `<text x="${x + 42}" y="${y + 11}">${legendNames[kind]}</text>`
    x += 42 + legendNames[kind].length * characterWidth + 26
    return `<g class="node ${kind}">${shape}${label}</g>`
  })
  return { width: Math.ceil(x), text: `<g class="legend">${parts.join('')}</g>` }
}

/**
 * Topologies as a picture that any browser shows by itself, in its light or dark scheme: sub-topologies as boxes, topics as pipes
 * between them, stores as cylinders, sinks as tags, effects as hexagons. Title and description say the same in words.
 *
 * @example writeFileSync('orders.svg', renderSvg([documentOf(orders)]))
 */
export const renderSvg = (topologies: readonly TopologyDocument[]): string => {
  const picture = placePicture(pictureOf(topologies))
  const scope = `sluice-${topologies.map(({ name }) => name.replaceAll(/[^a-zA-Z0-9]/g, '-')).join('-')}`
  const legend = legendOf(picture)
  const width = Math.max(picture.width, legend.width)
  const height = picture.height + legendHeight
  const what = topologies.length === 1 ? 'Topology' : 'Topologies'
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" class="${scope}" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${scope}-title ${scope}-about">`,
    `<title id="${scope}-title">${what} ${escaped(picture.title)}</title>`,
    `<desc id="${scope}-about">${escaped(picture.boxes.map(({ about }) => about).join('. '))}.</desc>`,
    `<style>${style(scope)}\n</style>`,
    `<defs><marker id="${scope}-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path class="tip" d="M0 0 8 4 0 8z"/></marker></defs>`,
    `<rect class="paper" width="${width}" height="${height}"/>`,
    ...picture.boxes.map(
      ({ about, label, labelAt, ...box }) =>
        `<g class="box"><title>${escaped(about)}</title><rect x="${round(box.x)}" y="${round(box.y)}" width="${round(box.width)}" height="${round(box.height)}" rx="8"/><text x="${round(labelAt.x + 4)}" y="${round(labelAt.y + labelAt.height / 2)}">${escaped(label)}</text></g>`,
    ),
    ...picture.edges.map(
      ({ kind, points }) =>
        `<path class="${kind}" d="${curve(points)}"${kind === 'record' ? ` marker-end="url(#${scope}-tip)"` : ''}/>`,
    ),
    ...picture.nodes.map(nodeOf),
    legend.text,
    '</svg>',
    '',
  ]
  return lines.join('\n')
}
