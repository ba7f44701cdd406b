import { writeFileSync } from 'node:fs'
import { schemas } from '../schemas/index.ts'

type Node = string | readonly Node[] | { readonly [key: string]: unknown }

interface Field {
  readonly name: string
  readonly type: Node
  readonly doc?: string
}

// Debezium calls the envelope's records `Envelope`, `Value` and `block`; TypeScript needs names that say whose they are.
const renamed: Readonly<Record<string, string>> = {
  'shop.public.outbox_event.Envelope': 'OutboxEnvelope',
  'shop.public.outbox_event.Value': 'OutboxRow',
  'io.debezium.connector.postgresql.Source': 'OutboxSource',
  'event.block': 'OutboxTransaction',
}

const primitives: Readonly<Record<string, string>> = {
  null: 'null',
  boolean: 'boolean',
  int: 'number',
  long: 'number',
  float: 'number',
  double: 'number',
  string: 'string',
  bytes: 'Buffer',
}

/** TypeScript of all schemas of `schemas/`, one interface per record; a record that several schemas share must be equal. */
export const generateSchemaTypes = (): string => {
  const declared = new Map<string, string>()

  const declare = (name: string, text: string): string => {
    const earlier = declared.get(name)
    if (earlier !== undefined && earlier !== text) throw new Error(`two schemas define ${name} differently`)
    declared.set(name, text)
    return name
  }

  const typeOf = (node: Node, namespace: string, isNanoseconds = false): string => {
    if (typeof node === 'string') {
      if (node === 'long' && isNanoseconds) return 'bigint'
      return primitives[node] ?? nameOf(node, namespace)
    }
    if (Array.isArray(node))
      return (node as readonly Node[]).map(branch => typeOf(branch, namespace, isNanoseconds)).join(' | ')
    const complex = node as Readonly<Record<string, unknown>>
    const within = (complex['namespace'] as string | undefined) ?? namespace
    switch (complex['type']) {
      case 'array':
        return `readonly ${parenthesised(typeOf(complex['items'] as Node, within))}[]`
      case 'map':
        return `Readonly<Record<string, ${typeOf(complex['values'] as Node, within)}>>`
      case 'enum':
        return (complex['symbols'] as readonly string[]).map(symbol => `'${symbol}'`).join(' | ')
      case 'record':
        return recordOf(complex, within)
      default:
        return typeOf(complex['type'] as Node, within, isNanoseconds)
    }
  }

  const recordOf = (node: Readonly<Record<string, unknown>>, namespace: string): string => {
    const lines = (node['fields'] as readonly Field[]).map(field => {
      const type = typeOf(field.type, namespace, field.name.endsWith('_ns'))
      return `${docOf(field.doc, '  ')}  readonly ${field.name}: ${type}\n`
    })
    const name = nameOf(node['name'] as string, namespace)
    const doc = docOf(node['doc'] as string | undefined, '')
    return declare(name, `${doc}export interface ${name} {\n${lines.join('')}}\n`)
  }

  for (const schema of Object.values(schemas)) typeOf(schema as Node, '')
  return `// Generated from the .avsc files by scripts/generate-schema-types.ts.\n\n${[...declared.values()].join('\n')}`
}

const nameOf = (name: string, namespace: string): string => {
  const full = name.includes('.') ? name : `${namespace}.${name}`
  return renamed[full] ?? full.split('.').at(-1) ?? full
}

const docOf = (doc: string | undefined, indent: string): string =>
  doc === undefined ? '' : `${indent}/** ${doc} */\n`

const parenthesised = (type: string): string => (type.includes('|') ? `(${type})` : type)

if (import.meta.main) writeFileSync(new URL('../schemas/types.ts', import.meta.url), generateSchemaTypes())
