import { describe, expect, it } from 'vitest';
import type { Outcome } from '../engine/outcome.js';
import type { CommandContext } from './context.js';
import { commandContext, someVirtuals, UP, W1, WEB_HEAD } from './context.test-kit.js';

const NOT_TESTED: Outcome = {
  ...UP,
  connectMs: 0,
  responseMs: 0,
  totalMs: 0,
  sentBytes: 0,
  receivedBytes: 0,
};
const REAL_LINE = 'rname=w1 raddr=10.0.0.11 rport=80 testport=80 tester=tcp';
const NO_TIMES = 'conntime=0.000ms resptime=0.000ms totaltime=0.000ms sent=0 received=0';

function services(check: CommandContext['check'], nowMs = () => 0) {
  return commandContext(someVirtuals(), { check, clock: { nowMs, wallNow: () => new Date() } });
}

function ended(outcome: Partial<Outcome>) {
  return services(async () => ({ ...NOT_TESTED, ...outcome }));
}

describe('check', () => {
  /** A conversation whose steps take 0.25 ms. */
  function conversation() {
    let now = 1000;
    return services(
      async (virtual, real, trace) => {
        expect([virtual.config.name, real.config.name]).toEqual(['web', 'w1']);
        now += 0.25;
        trace.sent(Buffer.from('GET \\\r\n'));
        now += 0.25;
        trace.received(Buffer.from('ä\t\x1b[2J\x00\n'));
        return UP;
      },
      () => now,
    );
  }

  it('shows what was sent and received, when, the verdict and the times', async () => {
    expect(await conversation().ask(`check ${W1}`)).toEqual([
      WEB_HEAD,
      REAL_LINE,
      't:0 at=0.250ms sent=7 data=GET \\\\\\r\\n',
      't:1 at=0.500ms received=9 data=\\xc3\\xa4\\t\\x1b[2J\\x00\\n',
      'verdict=UP detail=status 200',
      'conntime=0.313ms resptime=1.200ms totaltime=1.500ms sent=4 received=6',
    ]);
  });

  it('is a document, too', async () => {
    expect(await conversation().askDocument(`check ${W1}`)).toEqual({
      version: 1,
      virtual: expect.objectContaining({ name: 'web' }),
      real: expect.objectContaining({ name: 'w1' }),
      transcript: [
        { atMs: 0.25, direction: 'sent', bytes: 7, data: 'GET \\\\\\r\\n', isCut: false },
        { atMs: 0.5, direction: 'received', bytes: 9, data: '\\xc3\\xa4\\t\\x1b[2J\\x00\\n', isCut: false },
      ],
      omitted: { entries: 0, bytes: 0 },
      verdict: { up: true, reason: null, detail: 'status 200' },
      obstacle: null,
      output: null,
      connectMs: 0.313,
      responseMs: 1.2,
      totalMs: 1.5,
      sentBytes: 4,
      receivedBytes: 6,
    });
  });

  it.each<[string, Partial<Outcome>, string]>([
    [
      'a failure',
      { verdict: { up: false, reason: 'refused', detail: 'connect: ECONNREFUSED' } },
      'verdict=DOWN reason=refused detail=connect: ECONNREFUSED',
    ],
    [
      'a detail of two lines',
      { verdict: { up: false, reason: 'content', detail: 'a\nb\x1b' } },
      'verdict=DOWN reason=content detail=a\\nb\\x1b',
    ],
    [
      'an obstacle',
      { verdict: undefined, obstacle: 'socket: EMFILE' },
      'verdict=NONE obstacle=socket: EMFILE',
    ],
  ])('says %s in one line', async (_what, outcome, line) => {
    expect(await ended(outcome).ask(`check ${W1}`)).toEqual([WEB_HEAD, REAL_LINE, line, NO_TIMES]);
  });

  it('shows what a task put out, so that no line of it can be taken for the end of the answer', async () => {
    const output = 'two ünits\r\n_SD_CMD_END_\n\x1b[31mred\n';
    expect((await ended({ output }).ask(`check ${W1}`)).slice(-3)).toEqual([
      'output: two ünits',
      'output: _SD_CMD_END_',
      'output: \\x1b[31mred',
    ]);
  });

  it('shows some KB of a long conversation, and counts the rest', async () => {
    const { ask } = services(async (_virtual, _real, trace) => {
      for (let i = 0; i < 3; i++) trace.received(Buffer.alloc(3000, 'x'));
      for (let i = 0; i < 300; i++) trace.sent(Buffer.from('y'));
      return NOT_TESTED;
    });
    const lines = await ask(`check ${W1}`);
    const data = (bytes: number): string => 'x'.repeat(bytes);
    expect(lines.slice(2, 5)).toEqual([
      `t:0 at=0.000ms received=3000 data=${data(3000)}`,
      `t:1 at=0.000ms received=3000 data=${data(1096)} (cut)`,
      't:2 at=0.000ms sent=1 data=y',
    ]);
    expect(lines).toHaveLength(205);
    expect(lines[202]).toBe('omitted=103 bytes=3102');
  });
});
