import { expect, it } from 'vitest';
import { cpuTimeBetween, readCpuTime } from './cpu-time.js';

it('the sampled shares are applied to the exact total', () => {
  const before = { totalUs: 1000, userUs: 500, systemUs: 500 };
  const after = { totalUs: 3500, userUs: 1000, systemUs: 2000 };
  expect(cpuTimeBetween(before, after)).toEqual({ totalUs: 2500, userUs: 625, systemUs: 1875 });
});

it('what did not run has used nothing', () => {
  const same = { totalUs: 1000, userUs: 500, systemUs: 500 };
  expect(cpuTimeBetween(same, same)).toEqual({ totalUs: 0, userUs: 0, systemUs: 0 });
});

it('reads what this process has used, as it knows itself', () => {
  const startUs = process.cpuUsage().user + process.cpuUsage().system;
  const before = readCpuTime([process.pid]);
  while (process.cpuUsage().user + process.cpuUsage().system < startUs + 300_000);
  const { totalUs } = cpuTimeBetween(before, readCpuTime([process.pid]));
  expect(totalUs).toBeGreaterThan(250_000);
  expect(totalUs).toBeLessThan(400_000);
});
