import { defineConfig } from 'vitest/config'

// Written to topics and tables by the tests themselves, as no service would: orders without rows, rows without reservations.
const unaudited = ['inspect', 'replay'].map(name => `test/integration/${name}.test.ts`)

// `unit` needs no server, `integration` starts the real stack once and shares it, `apart` has another one, for what would fail the
// audits of the others.
const oneByOne = { fileParallelism: false, testTimeout: 120_000, hookTimeout: 180_000 }

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/integration/**'] } },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          exclude: unaudited,
          globalSetup: ['test/integration/support/stack.setup.ts'],
          ...oneByOne,
        },
      },
      {
        test: {
          name: 'apart',
          include: unaudited,
          globalSetup: ['test/integration/support/stack-apart.setup.ts'],
          ...oneByOne,
          // Never at the same time as the others: two cores do not carry both.
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
