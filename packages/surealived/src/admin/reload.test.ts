import { expect, it } from 'vitest';
import type { ReloadReport } from '../reload-report.js';
import { commandContext, GOOD_RELOAD, someVirtuals } from './context.test-kit.js';

const FAILED: ReloadReport = {
  ok: false,
  problems: ['s.xml:3:5: no', 's.xml:4:1: \x1bnor'],
  warnings: [],
  added: 0,
  removed: 0,
  changed: 0,
  tookMs: 3,
};

it.each<[string, ReloadReport, readonly string[]]>([
  ['well', GOOD_RELOAD, ['Reload: ok virtuals=4 reals=3 added=1 removed=2 changed=3 tookms=12']],
  [
    'with warnings',
    { ...GOOD_RELOAD, warnings: ['s.xml:2: odd'] },
    ['Reload: ok virtuals=4 reals=3 added=1 removed=2 changed=3 tookms=12', 'warning: s.xml:2: odd'],
  ],
  [
    'badly',
    FAILED,
    ['Reload: failed, 2 problems; the running configuration stays', 's.xml:3:5: no', 's.xml:4:1: \\x1bnor'],
  ],
])('answers a reload that ends %s', async (_what, report, lines) => {
  const { ask, askDocument } = commandContext(someVirtuals(), { reload: async () => report });
  expect(await ask('reload')).toEqual(lines);
  expect(await askDocument('reload')).toEqual({ version: 1, reload: report });
});
