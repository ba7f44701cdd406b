import { describe } from '../streams/dsl/describe.ts'
import { renderMermaid, renderText } from '../streams/dsl/render.ts'
import { selectTopologies } from './select-topologies.ts'

/** One topology (all when no name is given) in the format asked for, ending in a newline. */
export const describeTopologies = (name: string | undefined, format: 'text' | 'mermaid' | 'json'): string => {
  const descriptions = selectTopologies(name === undefined ? [] : [name]).map(describe)
  switch (format) {
    case 'json':
      return `${JSON.stringify(name === undefined ? descriptions : descriptions[0], null, 2)}\n`
    case 'mermaid':
      return descriptions.map(renderMermaid).join('\n')
    case 'text':
      return descriptions
        .map(
          description => `${name === undefined ? `# ${description.name}\n` : ''}${renderText(description)}`,
        )
        .join('')
  }
}
