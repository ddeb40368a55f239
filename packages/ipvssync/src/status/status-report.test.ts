import { expect, it } from 'vitest';
import { service } from '../ipvs/table.test-kit.js';
import { statusFacts, traffic, troubledFacts, virtual } from './status.test-kit.js';
import { statusDocument } from './status-document.js';
import { formatStatus } from './status-report.js';

const MANY = Array.from({ length: 120 }, (_, i) => service(`tcp 10.0.1.${i}:80`, {}, ['10.0.0.11:80', 1]));
const many = statusFacts(
  { virtuals: MANY.map((one, i) => virtual(`v${i}`, one)) },
  { traffic: MANY.map((one) => traffic(one, 1)) },
);

it.each([
  ['one that fares well', statusFacts()],
  ['one in trouble', troubledFacts()],
  ['one that cannot read its table', statusFacts({}, { traffic: 'EIO' })],
  ['one of many virtuals', many],
])('writes the document of %s', async (_what, facts) => {
  const text = await formatStatus(facts);
  expect(text).toMatch(/^[^\n]*\n$/);
  expect(JSON.parse(text)).toEqual(statusDocument(facts));
});
