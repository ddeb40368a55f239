import { describe, expect, it } from 'vitest';
import { declarationChecks } from '../kit/conformance.js';
import noTest from './no-test.js';

describe('no-test', () => {
  for (const { title, run } of declarationChecks(noTest)) it(title, run);

  it('is always up', () => {
    expect(noTest.verdict.up).toBe(true);
  });
});
