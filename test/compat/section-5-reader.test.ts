import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { DaemonProcess } from '../daemons/daemon-process.js';
import { HandoverDirectory } from '../daemons/handover-directory.js';
import { TableWatch } from '../daemons/table-watch.js';
import { readFixture, run, untilText } from './kit.js';
import { prove } from './prove.js';

const FIRST = 'diff_sync.1795169196';
const NEXT = 'diff_sync.1795169256';
const WEB = 'vname=web vproto=tcp vaddr=192.168.0.1 vport=80 vfwmark=0 vrt=dr vsched=wrr';
const chgreal = (weight: number) =>
  `cmd=chgreal ${WEB} rname=w1 raddr=10.0.0.11 rport=80 rweight=${weight}\n`;

/** What the original would have left: the hand-written snapshot, its diff, lock and reload flag. */
function handedOver(diff = readFixture(FIRST)): HandoverDirectory {
  const directory = new HandoverDirectory();
  onTestFinished(() => directory[Symbol.dispose]());
  const here = (text: string) => text.replaceAll('/var/lib/surealived/diffs', directory.diffs);
  mkdirSync(directory.diffs);
  writeFileSync(directory.lock, '');
  writeFileSync(directory.reloadFlag, '');
  writeFileSync(directory.snapshot, here(readFixture('ipvsfull.cfg')));
  writeFileSync(join(directory.diffs, FIRST), here(diff));
  return directory;
}

/** An ipvssync that follows, with a table that is there already. */
async function follow(directory: HandoverDirectory, table = '', ...options: string[]) {
  writeFileSync(directory.tableFile, table);
  const args = ['-c', directory.config, '--table', `memory:${directory.tableFile}`, ...options];
  const synchroniser = new DaemonProcess('ipvssync', args);
  onTestFinished(async () => void (await synchroniser.stop()));
  await synchroniser.waitFor('table synchronised');
  return synchroniser;
}

prove('5 Hand-over: ipvssync reads', {
  async 'a snapshot of the original with its diff'() {
    const { config, tableFile } = handedOver();
    const { status, out } = await run('ipvssync', '--plan', '--table', 'memory', '-c', config);
    expect([status, out]).toEqual([0, readFixture('plan.txt')]);
    await run('ipvssync', '--once', '--table', `memory:${tableFile}`, '-c', config);
    expect(readFileSync(tableFile, 'utf8')).toBe(readFixture('ipvs.rules'));
  },
  async 'removes the reload flag, makes reals exact, leaves unknown virtuals alone'() {
    const directory = handedOver();
    const foreign = '-A -t 192.168.9.9:80 -s rr\n-a -t 192.168.9.9:80 -r 10.0.9.9:80 -g -w 1\n';
    const managed = '-A -t 192.168.0.1:80 -s wrr\n-a -t 192.168.0.1:80 -r 10.0.0.99:80 -g -w 1\n';
    await follow(directory, `${foreign}${managed}`);
    const table = readFileSync(directory.tableFile, 'utf8');
    expect(table).toContain(foreign);
    expect(table).not.toContain('10.0.0.99');
    expect(existsSync(directory.reloadFlag)).toBe(false);
  },
  async 'follows the diff, to the next one, and reads anew on the reload flag'() {
    const directory = handedOver('');
    await follow(directory);
    using table = new TableWatch(directory.tableFile);
    const untilWeight = (weight: number) =>
      table.until(`weight ${weight}`, ([web]) => web?.destinations[0]?.weight === weight, 5000);
    await untilWeight(10);
    const next = join(directory.diffs, NEXT);
    writeFileSync(join(directory.diffs, FIRST), chgreal(8), { flag: 'a' });
    await untilWeight(8);
    writeFileSync(next, chgreal(6));
    writeFileSync(join(directory.diffs, FIRST), `DIFF file=${next}\n`, { flag: 'a' });
    await untilWeight(6);
    writeFileSync(directory.snapshot, readFixture('ipvsfull.cfg').replace('rweight=10', 'rweight=12'));
    writeFileSync(directory.reloadFlag, '');
    await untilWeight(12);
  },
  async 'removes consumed diff files, with -k it does not'() {
    const handOn = async (...options: string[]): Promise<string> => {
      const directory = handedOver(chgreal(8));
      await follow(directory, '', ...options);
      const [first, next] = [FIRST, NEXT].map((name) => join(directory.diffs, name));
      writeFileSync(String(next), chgreal(6));
      const snapshot = readFileSync(directory.snapshot, 'utf8');
      writeFileSync(directory.snapshot, snapshot.replace(FIRST, NEXT));
      writeFileSync(String(first), `DIFF file=${next}\n`, { flag: 'a' });
      return String(first);
    };
    const kept = await handOn('-k'); // looks before the other does
    const removed = await handOn();
    await untilText(removed, (text) => text === '');
    expect([existsSync(removed), existsSync(kept)]).toEqual([false, true]);
  },
});
