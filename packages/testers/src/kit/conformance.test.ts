import Type from 'typebox';
import { describe, expect, it } from 'vitest';
import { defineStreamTester, type Target, up } from '../tester.js';
import { conformanceChecks } from './conformance.js';

/** Runs the check that a healthy server is found up. */
function check(shareable: boolean, look: (target: Target) => string): void {
  const tester = defineStreamTester({
    name: 'own',
    description: 'Looks at its target.',
    shareable,
    attributes: Type.Object({}),
    // biome-ignore lint/correctness/useYield: the connection alone is the test
    *probe(target) {
      return up(look(target));
    },
  });
  const checks = conformanceChecks(tester, { attributes: {}, answer: '', decisiveBytes: 0 });
  for (const { title, run } of checks) if (title === 'finds a healthy server up') return void run();
  expect.unreachable();
}

describe('the conformance kit', () => {
  it('refuses a shareable tester that looks at whom it tests for', () => {
    expect(() => check(true, ({ virtual }) => virtual.name)).toThrow(
      'looks at the virtual that it tests for',
    );
    expect(() => check(true, ({ real }) => real.name)).toThrow('looks at the real that it tests for');
  });

  it('lets one look at where the test goes, and any other at everything', () => {
    check(true, ({ address, port, bindAddress }) => `${address.text} ${port} ${bindAddress?.text}`);
    check(false, ({ virtual, real }) => `${virtual.name} ${real.name}`);
  });
});
