import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createLogger } from '@surealived/shared/log';
import { TesterRegistry } from '@surealived/testers/registry';
import { down, up } from '@surealived/testers/tester';
import { TestDump } from 'surealived/communication/test-dump';
import { parseServices } from 'surealived/config/load';
import { Director } from 'surealived/director';
import type { Outcome } from 'surealived/engine/outcome';
import { createVirtual } from 'surealived/state';
import { ConnectionStatistics } from 'surealived/statistics/connection-statistics';
import { reportRound } from 'surealived/statistics/round-report';
import { expect } from 'vitest';
import { RealServer } from '../daemons/real-server.js';
import { RunningTester, readFixture } from './kit.js';
import { prove } from './prove.js';

const log = createLogger('surealived', { level: 'error', format: 'json', sink: { write: () => true } });

/** A test's end, in milliseconds after 10:06:37, and how it went. */
interface Test {
  readonly endedMs: number;
  readonly outcome: Partial<Outcome>;
}

/** Local time, as in the files. */
const at = (ms: number): Date => new Date(2026, 10, 20, 10, 6, 37, ms);

/** The report of a round in which the reals of a virtual were tested once each. */
function roundOf(head: string, tester: string, reals: readonly string[], tests: readonly Test[]): string {
  const xml = `<surealived>
    <virtual ${head} proto="tcp" sched="wrr" rt="dr"><tester proto="tcp" testport="80" ${tester}/>
      ${reals.map((real) => `<real ${real} port="80" weight="1"/>`).join('')}
    </virtual>
  </surealived>`;
  const { virtuals } = parseServices(xml, 'services.xml', { registry: new TesterRegistry() });
  const [virtual] = virtuals.map(createVirtual);
  if (!virtual) throw new Error('no virtual');
  virtual.roundBegan = at(32);
  let now = at(0);
  let report = '';
  const wallNow = (): Date => now;
  const statistics = new ConnectionStatistics(wallNow);
  const director = new Director({ virtuals: [virtual], log, wallNow });
  director.listen(statistics);
  director.listen({
    onRound: (ended) => {
      report = reportRound(ended, statistics, now);
    },
  });
  for (const [index, { endedMs, outcome }] of tests.entries()) {
    now = at(endedMs);
    const real = virtual.reals[index];
    const unsaid = { obstacle: undefined, connectionProblem: undefined, responseMs: 0, sentBytes: 0 };
    if (real) director.observe(virtual, real, { ...unsaid, receivedBytes: 0, ...outcome } as Outcome);
  }
  return report;
}

const MOMENT = /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}/g;
const ROUND = `START Virtual: web start time=MOMENT
MOMENT virt=web:80 vproto=tcp vaddr=192.0.2.1:80 real=w1:80 raddr=127.0.0.1:80 conntime=Nms resptime=Nms totaltime=Nms currtest=TRUE online=TRUE
END   Virtual: web end time=MOMENT
--------------
`;
const REQUEST = 'GET / HTTP/1.0\r\nHost: www.example.org\r\nUser-Agent: SureAliveD\r\n\r\n';
const MICROS = String.raw`\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\]  `;

prove('8 Other files', {
  'the communication dump is written as in the original'() {
    let us = 310.3; // of the millisecond that the file begins with
    const dump = new TestDump(
      () => new Date(2026, 10, 20, 10, 7, 14, 921).getTime() + us / 1000,
      () => true,
    );
    dump.sent(Buffer.from(REQUEST));
    for (const part of ['HTTP/1.1 200', ' OK\r\n\r\nhello\n']) {
      us += 1000;
      dump.received(Buffer.from(part));
    }
    expect(dump.take().toString()).toBe(readFixture('web_w1'));
  },
  'sd_fullstats.log is written as in the original, in us with logmicro'() {
    const web = roundOf(
      'name="web" addr="192.168.0.1" port="80"',
      '',
      ['name="w1" addr="10.0.0.11"', 'name="w2" addr="10.0.0.12"'],
      [
        { endedMs: 95, outcome: { verdict: up('fine'), connectMs: 1, totalMs: 3 } },
        {
          endedMs: 199,
          outcome: { verdict: down('refused', 'no'), connectionProblem: 'refused', connectMs: 0, totalMs: 7 },
        },
      ],
    );
    expect(web).toBe(readFixture('sd_fullstats.log'));
    const micro = roundOf(
      'name="micro" addr="2001:db8::1" port="81"',
      'logmicro="1"',
      ['name="s1" addr="2001:db8::11"'],
      [{ endedMs: 95, outcome: { verdict: up('fine'), connectMs: 1.5, totalMs: 3.75 } }],
    );
    expect(micro).toBe(readFixture('sd_virtstats_micro'));
  },
  async 'a running tester writes both, truncates the dump at each test, and writes sd_virtstats files'() {
    const server = new RealServer('w1', 'http', '127.0.0.1', 0);
    await server.start();
    const services = `<surealived>
      <virtual name="web" addr="192.0.2.1" port="80" proto="tcp" sched="wrr" rt="dr">
        <tester proto="http" testport="${server.port}" url="/" host="www.example.org" loopdelay="0.1" debugcomm="1"/>
        <real name="w1" addr="127.0.0.1" port="80" weight="10"/>
      </virtual>
    </surealived>`;
    const settings = { log_stats: 'true', log_stats_combined: 'true', debug_comm: 1 };
    await using tester = await RunningTester.start(services, { settings });
    const rounds = await tester.until(
      'stats/sd_fullstats.log',
      (text) => text.split(ROUND.slice(-15)).length > 3,
    );
    const blanked = rounds.replace(MOMENT, 'MOMENT').replace(/=\d+ms/g, '=Nms');
    expect(blanked).toBe(ROUND.repeat(blanked.length / ROUND.length));
    const conversation = new RegExp(`^${MICROS}sd_write ->\n${REQUEST}\n(${MICROS}sd_read <-\n[^]*\n)+$`);
    const isOneTest = (text: string) => conversation.test(text) && text.split('sd_write').length === 2;
    await tester.until(join('comm', 'web_w1'), isOneTest);
    const names = readdirSync(join(tester.directory.path, 'stats')).filter(
      (name) => name !== 'sd_fullstats.log',
    );
    expect(names).not.toEqual([]);
    for (const name of names) expect(name).toMatch(/^sd_virtstats_web:80\.\d{10}$/);
    await server.stop();
  },
});
