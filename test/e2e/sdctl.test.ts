import { spawnSync } from 'node:child_process';
import { openSync } from 'node:fs';
import { expect, it } from 'vitest';
import { scriptOf } from '../daemons/daemon-process.js';

const SCRIPT = scriptOf('sdctl');

it('fails where its output cannot be written, for a script may rely on the file', () => {
  const full = openSync('/dev/full', 'w');
  const { status, stderr } = spawnSync(process.execPath, [SCRIPT, '--help'], {
    stdio: ['ignore', full, 'pipe'],
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 1, stderr: 'sdctl: cannot write: ENOSPC\n' });
});

it('does not mind a reader that has had enough', () => {
  const line = `${process.execPath} ${SCRIPT} --help | true; exit $((PIPESTATUS[0]))`;
  const { status, stderr } = spawnSync('bash', ['-c', line], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});
