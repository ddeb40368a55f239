import { defineConfig } from 'vitest/config';
import { BaseSequencer } from 'vitest/node';

/** Minutes long: begun last, they would keep one processor busy after all others have ended. */
const LONGEST = /\/test\/packages\/(boot|install)\.test\.ts$/;

class LongestFirst extends BaseSequencer {
  async sort(files) {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }) => LONGEST.test(moduleId);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

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
    sequence: { sequencer: LongestFirst },
    disableConsoleIntercept: true,
  },
});
