import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['packages/*/src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    testTimeout: 20_000,
    // koffi and netlink are native: a process each, so that a crash names its file
    pool: 'forks',
    maxWorkers: 2,
    disableConsoleIntercept: true,
  },
});
