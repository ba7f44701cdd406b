import avsc from 'avsc'

const marker = 'sluiceExactBranch'

/** What holds a schema within a schema; other attributes may hold lists that only look like a union. */
const schemaKeys: ReadonlySet<string> = new Set(['type', 'items', 'values'])

const typeNameOf = (branch: unknown): unknown =>
  typeof branch === 'object' && branch !== null && 'type' in branch ? branch.type : branch

/**
 * The same schema, `string` and `bytes` marked for `exactBranchHook` in every union that has both: the library would read values
 * of either as whichever comes first, and turn bytes into broken text. Local only: never registered.
 */
export const markExactBranches = (schema: unknown): unknown => {
  if (Array.isArray(schema)) {
    const names = schema.map(typeNameOf)
    const hasBoth = names.includes('string') && names.includes('bytes')
    return schema.map((branch: unknown, index) => {
      const name = names[index]
      if (!hasBoth || (name !== 'string' && name !== 'bytes')) return markExactBranches(branch)
      return { ...(typeof branch === 'object' ? branch : {}), type: name, [marker]: true }
    })
  }
  if (typeof schema !== 'object' || schema === null) return schema
  const entries = Object.entries(schema).map(([name, value]: [string, unknown]) => {
    if (name === 'fields' && Array.isArray(value)) return [name, value.map(markExactBranches)]
    return [name, schemaKeys.has(name) ? markExactBranches(value) : value]
  })
  return Object.fromEntries(entries) as unknown
}

class ExactString extends avsc.types.StringType {
  override createResolver(...args: Parameters<avsc.Type['createResolver']>) {
    refuse('bytes', args[0])
    return super.createResolver(...args)
  }
}

class ExactBytes extends avsc.types.BytesType {
  override createResolver(...args: Parameters<avsc.Type['createResolver']>) {
    refuse('string', args[0])
    return super.createResolver(...args)
  }
}

/** The union then takes its next branch. */
const refuse = (typeName: string, writer: avsc.Type): void => {
  if (writer.typeName === typeName) throw new Error(`${typeName} has a branch of its own`)
}

/** avsc's `typeHook`: branches that refuse values of their sibling, so that they go to the sibling. */
export const exactBranchHook = (schema: unknown): avsc.Type | undefined => {
  if (typeof schema !== 'object' || schema === null || !(marker in schema)) return undefined
  return typeNameOf(schema) === 'string' ? new ExactString() : new ExactBytes()
}
