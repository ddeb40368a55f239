import { expect, it } from 'vitest';
import { Requests } from './requests.js';

it('tells the listener of each request, also of one that came before it', () => {
  const requests = new Requests();
  let calls = 0;
  requests.reload();
  requests.listen(() => calls++);
  expect(calls).toBe(1);
  requests.resync();
  expect([calls, requests.takeReload(), requests.takeResync()]).toEqual([2, true, true]);
  expect([requests.takeReload(), requests.takeResync()]).toEqual([false, false]);
});
