import { spawnSync } from 'node:child_process';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { scriptOf, unbundledScriptOf } from '../daemons/daemon-process.js';
import { HandoverDirectory } from '../daemons/handover-directory.js';

const GOOD = `<surealived>
  <virtual name="web" addr="192.0.2.1" port="80" proto="tcp" sched="wrr" rt="dr">
    <tester proto="no-test"/>
    <real name="w1" addr="127.0.0.1" port="80" weight="10"/>
  </virtual>
</surealived>
`;

/** Runs `surealived -t`, with standard error as systemd has it. @returns What came into the journal. */
function testInJournal(directory: HandoverDirectory, services: string): string {
  const file = join(directory.path, 'journal');
  const fd = openSync(file, 'w');
  const { dev, ino } = fstatSync(fd, { bigint: true });
  const argv = [scriptOf('surealived'), '-t', '-c', directory.config, directory.writeServices(services)];
  spawnSync(process.execPath, argv, {
    stdio: ['ignore', 'ignore', fd],
    env: { ...process.env, JOURNAL_STREAM: `${dev}:${ino}` },
  });
  closeSync(fd);
  return readFileSync(file, 'utf8');
}

it('tells the journal how bad it is what is wrong with the files', () => {
  using directory = new HandoverDirectory();
  expect(testInJournal(directory, GOOD.replace('"10"', '"x"'))).toMatch(/^<3>.*services\.xml:4:\d+: .*\n$/);
  expect(testInJournal(directory, GOOD.replace('weight=', 'wieght="1" weight='))).toMatch(
    /^<4>.*services\.xml:4:\d+: warning: .*\n$/,
  );
});

it('finds its modules where standard error is a pipe, and not the journal', () => {
  using directory = new HandoverDirectory();
  const argv = [unbundledScriptOf('surealived'), '-t', '-c', directory.config, directory.writeServices(GOOD)];
  const { stdout } = spawnSync('sh', ['-c', '"$@" 2>&1 | cat', 'sh', process.execPath, ...argv], {
    encoding: 'utf8',
    env: { ...process.env, JOURNAL_STREAM: '1:2' },
  });
  expect(stdout).toMatch(/services\.xml: 1 virtuals, 1 reals: ok\n$/);
});
