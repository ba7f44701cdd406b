/** What `sluice topology describe` can print. */
export const describeFormats = ['kafka', 'json', 'mermaid', 'dot', 'svg'] as const

export type DescribeFormat = (typeof describeFormats)[number]
