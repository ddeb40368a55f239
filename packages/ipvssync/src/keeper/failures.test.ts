import { createLogger } from '@surealived/shared/log';
import { describe, expect, it } from 'vitest';
import { Failures } from './failures.js';

function watched(): { failures: Failures; lines: string[] } {
  const lines: string[] = [];
  const sink = { write: (line: string) => lines.push(line.replace(/^\S+ \S+ /, '').trim()) };
  return { failures: new Failures(createLogger('test', { level: 'debug', format: 'text', sink })), lines };
}

describe('Failures', () => {
  const web = new Map([['tcp 10.0.0.1:80', 'add tcp 10.0.0.1:80: ENOENT']]);
  const none = new Map<string, string>();

  it('tells a failure once, a new reason again, and its end', () => {
    const { failures, lines } = watched();
    failures.note(web, undefined, 0);
    failures.note(web, undefined, 1);
    failures.note(new Map([['tcp 10.0.0.1:80', 'EPERM']]), undefined, 2);
    failures.note(none, undefined, 3);
    expect(lines).toEqual([
      'error virtual failing virtual="tcp 10.0.0.1:80" reason="add tcp 10.0.0.1:80: ENOENT"',
      'error virtual failing virtual="tcp 10.0.0.1:80" reason=EPERM',
      'info  virtual recovered virtual="tcp 10.0.0.1:80"',
    ]);
  });

  it('keeps what a round was not about', () => {
    const { failures } = watched();
    failures.note(web, undefined, 0);
    failures.note(none, ['udp 10.0.0.2:53'], 1);
    expect(failures.all.length).toBe(1);
    failures.note(none, ['tcp 10.0.0.1:80'], 2);
    expect(failures.all.length).toBe(0);
    expect(failures.takeRetry(1e9)).toBe(false);
  });

  it('says what fails since when, and when it is tried again', () => {
    const { failures } = watched();
    const both = new Map([...web, ['udp 10.0.0.2:53', 'EPERM']]);
    failures.note(web, undefined, 100);
    failures.note(both, undefined, 500);
    expect(failures.all).toEqual([
      { name: 'tcp 10.0.0.1:80', reason: 'add tcp 10.0.0.1:80: ENOENT', sinceMs: 100 },
      { name: 'udp 10.0.0.2:53', reason: 'EPERM', sinceMs: 500 },
    ]);
    expect(failures.retryAtMs).toBe(2_100);
    failures.note(none, undefined, 600);
    expect([failures.all, failures.retryAtMs]).toEqual([[], Number.POSITIVE_INFINITY]);
  });

  it('is tried again after 2, 4, 8 … 60 s', () => {
    const { failures } = watched();
    const delaysMs: number[] = [];
    let nowMs = 0;
    for (let i = 0; i < 8; i++) {
      failures.note(web, undefined, nowMs);
      const startedMs = nowMs;
      while (!failures.takeRetry(nowMs)) nowMs += 500;
      delaysMs.push(nowMs - startedMs);
    }
    expect(delaysMs).toEqual([2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  });

  it('is not put off by others that begin to fail', () => {
    const { failures } = watched();
    for (let i = 0; i < 20; i++)
      failures.note(new Map([[`tcp 10.0.0.${i}:80`, 'EPERM']]), [`tcp 10.0.0.${i}:80`], i * 100);
    expect(failures.takeRetry(1_999)).toBe(false);
    expect(failures.takeRetry(2_000)).toBe(true);
  });

  it('is not put off by rounds in between', () => {
    const { failures } = watched();
    failures.note(web, undefined, 0);
    for (let nowMs = 100; nowMs < 2_000; nowMs += 100) failures.note(web, ['tcp 10.0.0.1:80'], nowMs);
    expect(failures.takeRetry(2_000)).toBe(true);
  });

  it('is not put off either by a round about others that comes just when it is due', () => {
    const { failures } = watched();
    failures.note(web, undefined, 0);
    failures.note(none, ['udp 10.0.0.2:53'], 2_000);
    expect(failures.takeRetry(2_000)).toBe(true);
    expect(failures.takeRetry(2_000)).toBe(false);
  });
});
