import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { Outcome } from '../engine/outcome.js';
import { Outbox } from './outbox.js';
import { MAX_OUTCOMES, NOTHING_SAID, type OutcomeBatch } from './outcome-batch.js';

const outcome: Outcome = {
  verdict: { up: true, detail: '' },
  obstacle: undefined,
  connectionProblem: undefined,
  connectMs: 0,
  responseMs: 0,
  totalMs: 0,
  sentBytes: 0,
  receivedBytes: 0,
};

function outbox() {
  const sent: OutcomeBatch[] = [];
  const box = new Outbox((batch) => sent.push(batch));
  const add = (isUrgent: boolean): void => box.add(1, { ...NOTHING_SAID }, outcome, isUrgent);
  return { sent, add, counts: () => sent.map(({ texts }) => texts.length) };
}

it('an outcome that changes a state goes at the end of the turn, with what is before it', async () => {
  const { add, counts } = outbox();
  for (const isUrgent of [false, true, true, false]) add(isUrgent);
  expect(counts()).toEqual([]);
  await nextTurn();
  expect(counts()).toEqual([4]);
});

it('the others wait for more, but not for long', async () => {
  const { add, counts } = outbox();
  add(false);
  await nextTurn();
  expect(counts()).toEqual([]);
  await expect.poll(counts).toEqual([1]);
});

it('a batch that is full goes at once', async () => {
  const { add, counts } = outbox();
  for (let i = 0; i <= MAX_OUTCOMES; i++) add(i === 0);
  expect(counts()).toEqual([MAX_OUTCOMES]);
  await expect.poll(counts).toEqual([MAX_OUTCOMES, 1]);
});
