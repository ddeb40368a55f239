import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['packages/*/src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    testTimeout: 60_000,
    // an event is waited for as long as a busy machine may take; the default of a second is a timed assertion
    expect: { poll: { timeout: 30_000 } },
    // koffi and netlink are native: a process each, so that a crash names its file
    pool: 'forks',
    maxWorkers: 2,
    disableConsoleIntercept: true,
  },
});
