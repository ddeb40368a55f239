import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../../shared/src/files.test-kit.js';
import type { Trace } from '../engine/outcome.js';
import { realConfig, recordingLog, virtualConfig } from '../services.test-kit.js';
import { createVirtual, type Real } from '../state.js';
import { WriteTroubles } from '../write-troubles.js';
import { CommunicationDumps } from './communication-dumps.js';

/** In local time, as the files are. */
const START = new Date(2026, 10, 20, 10, 7, 14, 921);

function dumpsIn(directory: string, { debugComm = true, name = 'web' } = {}) {
  const { log, entries } = recordingLog();
  let nowMs = 1000;
  const clock = { nowMs: () => nowMs, wallNow: () => new Date(START.getTime() + Math.floor(nowMs - 1000)) };
  const troubles = new WriteTroubles({ log, wallNow: clock.wallNow });
  const dumps = new CommunicationDumps({ directory: join(directory, 'comm'), clock, troubles });
  const virtual = createVirtual(virtualConfig([realConfig('w1')], { debugComm }, { name }));
  const begin = () => dumps.traceOf(virtual, virtual.reals[0] as Real);
  const pass = (ms: number): void => {
    nowMs += ms;
  };
  return { dumps, begin, pass, entries, troubles, virtual, file: join(directory, 'comm', 'web_w1') };
}

describe('CommunicationDumps', () => {
  it('shows what a test sent and received, and when', async () => {
    const { dumps, begin, pass, file } = dumpsIn(temporaryDirectory());
    const trace = begin() as Trace;
    pass(0.31);
    trace.sent(Buffer.from('GET / HTTP/1.0\r\n\r\n'));
    pass(10.5);
    const scratch = Buffer.from([0x00, 0xff]);
    trace.received(scratch);
    scratch.fill(1); // valid during the call only
    await dumps.stop();
    expect(readFileSync(file, 'latin1')).toBe(
      '[2026-11-20 10:07:14.921310]  sd_write ->\nGET / HTTP/1.0\r\n\r\n\n' +
        '[2026-11-20 10:07:14.931810]  sd_read <-\n\x00\xff\n',
    );
  });

  it('appends what comes later, and begins anew with each test, also with one that says nothing', async () => {
    const { dumps, begin, file } = dumpsIn(temporaryDirectory());
    const trace = begin() as Trace;
    trace.sent(Buffer.from('a'));
    await dumps.stop();
    trace.received(Buffer.from('b'));
    await dumps.stop();
    expect(readFileSync(file, 'utf8').match(/sd_\w+/g)).toEqual(['sd_write', 'sd_read']);
    begin();
    await dumps.stop();
    expect(readFileSync(file, 'utf8')).toBe('');
  });

  it('cuts a conversation that is too long, and says so', async () => {
    const { dumps, begin, file } = dumpsIn(temporaryDirectory());
    const trace = begin() as Trace;
    for (let i = 0; i < 40; i++) trace.received(Buffer.alloc(1 << 16, 'x'));
    await dumps.stop();
    const text = readFileSync(file, 'utf8');
    expect(text.length).toBeLessThan((1 << 20) + 2000);
    expect(text.split('\n').at(-2)).toMatch(/^\[.*\] {2}cut: too much to be dumped$/);
    expect(text.match(/cut:/g)).toHaveLength(1);
  });

  it('traces no virtual without debugcomm', () => {
    expect(dumpsIn(temporaryDirectory(), { debugComm: false }).begin()).toBeUndefined();
  });

  it('writes into its directory only', async () => {
    const directory = temporaryDirectory();
    const { dumps, begin } = dumpsIn(directory, { name: '../../x' });
    begin();
    await dumps.stop();
    expect(readdirSync(join(directory, 'comm'))).toEqual(['_._.._x_w1']);
  });

  it('says once that it cannot write', async () => {
    const directory = temporaryDirectory();
    const { dumps, begin, entries } = dumpsIn(directory);
    rmSync(join(directory, 'comm'), { recursive: true });
    for (let i = 0; i < 3; i++) {
      begin()?.sent(Buffer.from('a'));
      await dumps.stop();
    }
    expect(entries.map(({ msg }) => msg)).toEqual(['file cannot be written, what it misses is lost']);
  });

  it('no longer complains of a file that a reload leaves nobody to write', async () => {
    const directory = temporaryDirectory();
    const { dumps, begin, troubles, virtual, file } = dumpsIn(directory);
    rmSync(join(directory, 'comm'), { recursive: true });
    begin();
    await dumps.stop();
    dumps.onReconfigured({ virtuals: [virtual] });
    expect(troubles.list).toMatchObject([{ file }]);
    virtual.config = virtualConfig([realConfig('w1')], { debugComm: false });
    dumps.onReconfigured({ virtuals: [virtual] });
    expect(troubles.list).toEqual([]);
  });
});
