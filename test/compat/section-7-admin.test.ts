import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { RealServer } from '../daemons/real-server.js';
import { blankFigures, RunningTester, readFixture } from './kit.js';
import { prove, shared } from './prove.js';

const TESTED = ['web', 'sticky', 'once', 'six'];

/** Every real of web.xml has had its one verdict. */
const start = shared(async () => {
  const settings = { log_stats_combined: 'true' };
  const tester = await RunningTester.start(readFixture('web.xml'), { settings });
  await tester.until('stats/sd_fullstats.log', (text) =>
    TESTED.every((name) => text.includes(`END   Virtual: ${name} `)),
  );
  return tester;
});

/** Plays a hand-written transcript, which must come out as it is written. */
async function plays(file: string): Promise<void> {
  const transcript = readFixture(file);
  expect(await (await start()).replay(transcript)).toBe(transcript);
}

/** The text without the memory lines that the kernel of this machine does not know. */
function withKernelLines(text: string): string {
  const status = readFileSync('/proc/self/status', 'utf8');
  return text.replace(/^(Vm\w+) .*\n/gm, (line, name: string) => (status.includes(`${name}:`) ? line : ''));
}

prove('7 Admin socket', {
  vlist: () => plays('vlist.txt'),
  rlist: () => plays('rlist.txt'),
  'rlist of a virtual without reals': () => plays('rlist-empty.txt'),
  rset: () => plays('rset.txt'),
  async stats() {
    const expected = withKernelLines(readFixture('stats.txt'));
    const played = await (await start()).replay('$ stats');
    const [originals = '', ours] = played.split(/^(?==== engine ===$)/m); // what follows is ours
    expect(blankFigures(originals, expected)).toBe(expected);
    expect(ours).toMatch(/\n_SD_CMD_END_\n$/);
  },
  async connstats() {
    const server = new RealServer('w1', 'tcp', '127.0.0.1', 0);
    await server.start();
    const xml = readFixture('connstats.xml').replaceAll('TESTPORT', String(server.port));
    await using tester = await RunningTester.start(xml, { settings: { log_stats_combined: 'true' } });
    const ends = ['web', 'micro'].map((name) => `END   Virtual: ${name} `);
    await tester.until('stats/sd_fullstats.log', (text) => ends.every((end) => text.includes(end)));
    const expected = readFixture('connstats.txt');
    expect(blankFigures(await tester.replay(expected), expected)).toBe(expected);
    await server.stop();
  },
  'error answers': () => plays('errors.txt'),
  async 'lines end with \\n or \\r\\n, several commands on one connection'() {
    const answer = (file: string) => readFixture(file).replace(/^\$ .*\n/gm, '');
    const tester = await start();
    const rlist = 'rlist vproto=udp vaddr=192.168.0.3 vport=53';
    const answers = `${answer('vlist.txt')}${answer('rlist-empty.txt')}`;
    expect(await tester.send(`vlist\n${rlist}\n`)).toBe(answers);
    expect(await tester.send(`vlist\r\n${rlist}\r\n`)).toBe(answers);
  },
  async 'rset is in override.dump at once, and the configured weight with ONLINE deletes it there'() {
    const tester = await start();
    const w1 = 'vproto=tcp vaddr=192.168.0.1 vport=80 raddr=10.0.0.11 rport=80';
    const dumped = async (setting: string) => {
      await tester.send(`rset ${w1} ${setting}\n`);
      return tester.read('override.dump');
    };
    const line = (setting: string) => `192.168.0.1:80:0:0 - 10.0.0.11:80 - ${setting}\n`;
    expect(await dumped('rstate=OFFLINE rweight=10')).toBe(line('weight=10  rstate=OFFLINE'));
    expect(await dumped('rstate=ONLINE')).toBe('');
    expect(await dumped('rweight=50%')).toBe(line('weight=50% rstate=ONLINE'));
    expect(await dumped('rweight=100%')).toBe('');
    expect(await dumped('rweight=7')).toBe(line('weight=7  rstate=ONLINE'));
    expect(await dumped('rweight=10')).toBe('');
  },
});
