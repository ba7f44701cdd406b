import { describe } from '../streams/inspect/describe.ts'
import { documentOf, fileOf } from '../streams/inspect/document.ts'
import { renderSvg } from '../streams/inspect/picture/svg.ts'
import { renderDot } from '../streams/inspect/render-dot.ts'
import { renderMermaid } from '../streams/inspect/render-mermaid.ts'
import { renderText } from '../streams/inspect/render-text.ts'
import type { DescribeFormat } from './describe-formats.ts'
import { selectTopologies } from './select-topologies.ts'

/**
 * The topologies of these names (all when none is given) in the format asked for, ending in a newline. Pictures of several show
 * them joined by their topics.
 */
export const describeTopologies = (names: readonly string[], format: DescribeFormat): string => {
  const selected = selectTopologies(names)
  const documents = selected.map(documentOf)
  switch (format) {
    case 'kafka':
      return selected
        .map(
          topology => `${names.length === 1 ? '' : `# ${topology.name}\n`}${renderText(describe(topology))}`,
        )
        .join('')
    case 'json':
      return `${JSON.stringify(fileOf(documents), null, 2)}\n`
    case 'mermaid':
      return renderMermaid(documents)
    case 'dot':
      return renderDot(documents)
    case 'svg':
      return renderSvg(documents)
  }
}
