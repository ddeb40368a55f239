import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { limitFileSize, temporaryDirectory } from '../../shared/src/files.test-kit.js';
import { AppendQueue } from './append-queue.js';
import { recordingLog } from './services.test-kit.js';
import { WriteTroubles } from './write-troubles.js';

function queueIn(maxBytes: number) {
  const { log, entries } = recordingLog();
  const troubles = new WriteTroubles({ log, wallNow: () => new Date() });
  const file = join(temporaryDirectory(), 'log');
  return { queue: new AppendQueue({ troubles, maxBytes }), file, troubles, entries };
}

describe('AppendQueue', () => {
  it('appends in order, also what comes while it writes', async () => {
    const { queue, file } = queueIn(1000);
    writeFileSync(file, 'old\n');
    for (let i = 0; i < 5; i++) queue.append(file, `${i}\n`);
    await Promise.resolve();
    for (let i = 5; i < 9; i++) queue.append(file, `${i}\n`);
    await queue.settled();
    expect(readFileSync(file, 'utf8')).toBe('old\n0\n1\n2\n3\n4\n5\n6\n7\n8\n');
  });

  it('holds no more than it may, and says once that something was lost', async () => {
    const { queue, file, troubles, entries } = queueIn(100);
    for (let i = 0; i < 15; i++) queue.append(file, '123456789\n');
    expect(troubles.list).toMatchObject([{ cause: 'the disk is too slow', lost: 5 }]);
    await queue.settled();
    queue.append(file, 'end\n');
    await queue.settled();
    expect(readFileSync(file, 'utf8')).toBe(`${'123456789\n'.repeat(10)}end\n`);
    expect(entries.map(({ msg, lost }) => [msg, lost])).toEqual([
      ['file cannot be written, what it misses is lost', undefined],
      ['file is written again', 5],
    ]);
  });

  it('leaves no half of a text behind on a full disk', async () => {
    const { queue, file } = queueIn(1000);
    queue.append(file, 'first\n');
    await queue.settled();
    const lift = limitFileSize(8);
    queue.append(file, 'second\n');
    await queue.settled();
    lift();
    expect(readFileSync(file, 'utf8')).toBe('first\n');
  });

  it('leaves no empty file behind on a full disk', async () => {
    const { queue, file } = queueIn(1000);
    const lift = limitFileSize(0);
    queue.append(file, 'first\n');
    await queue.settled();
    lift();
    expect(existsSync(file)).toBe(false);
  });
});
