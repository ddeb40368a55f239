import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryDirectory } from '../../../shared/src/files.test-kit.js';
import { commandContext, someVirtuals } from '../admin/context.test-kit.js';
import { AdminServer } from '../admin/server.js';
import { refusingPort } from '../engine/hostile-servers.test-kit.js';
import { completionScript } from './completion-script.js';
import { main } from './main.js';

async function complete(port: number, ...words: string[]): Promise<readonly string[]> {
  let out = '';
  const stdout = {
    write: (text: string): void => {
      out += text;
    },
  };
  const untilQuit = () => ({ signal: new AbortController().signal, [Symbol.dispose]: () => undefined });
  const argv = ['__complete', '--address', `127.0.0.1:${port}`, ...words];
  expect(await main(argv, { stdout, stderr: stdout, env: {}, untilQuit })).toBe(0);
  return out.split('\n').slice(0, -1);
}

async function serve(): Promise<number> {
  const { context } = commandContext(someVirtuals());
  const server = new AdminServer({ address: '127.0.0.1', port: 0, context, log: context.log });
  onTestFinished(() => server.close());
  return server.listen();
}

describe('completion', () => {
  it.each([
    [['re'], ['restore', 'reload']],
    [['--js'], ['--json']],
    [['--json', 'vl'], ['vlist']],
    [
      ['rlist', ''],
      ['web', 'a_mark', 'mark6', 'six'],
    ],
    [['rlist', 'w'], ['web']],
    [
      ['-c', '/none', 'rset', 'web', ''],
      ['w1', 'w_2'],
    ],
    [
      ['rset', 'web', 'w1', 'O'],
      ['ONLINE', 'OFFLINE'],
    ],
    [['rset', 'web', 'w1', 'DOWN', ''], []],
    [
      ['completion', ''],
      ['bash', 'zsh'],
    ],
    [['vlist', ''], []],
    [['nope', ''], []],
    [['history', 'nope', ''], []],
  ])('of %j is %j', async (words, expected) => {
    expect(await complete(await serve(), ...words)).toEqual(expected);
  });

  it('keeps silent when nobody listens', async () => {
    expect(await complete(await refusingPort(), 'rlist', '')).toEqual([]);
  });
});

describe('the script for bash', () => {
  /** What bash offers at the end of a line, by a stand-in that answers with its own arguments and some names. */
  function offered(line: string): readonly string[] {
    const directory = temporaryDirectory();
    const standIn = join(directory, 'sdctl');
    writeFileSync(standIn, '#!/bin/sh\nprintf "%s\\n" "$#" tcp:10.0.0.1:80 tcp:10.0.0.1:81\n', {
      mode: 0o755,
    });
    const script = `${completionScript('bash')}
      COMP_LINE=${JSON.stringify(line)} COMP_POINT=${line.length}
      _sdctl
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    const env = { PATH: `${directory}:${process.env.PATH}` };
    return execFileSync('bash', ['--norc', '-c', script], {
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    })
      .trim()
      .split('\n');
  }

  it.each([
    ['sdctl ', ['2', 'tcp:10.0.0.1:80', 'tcp:10.0.0.1:81']],
    ['sdctl rlist t', ['3', 'tcp:10.0.0.1:80', 'tcp:10.0.0.1:81']],
    // what stands before the last colon is there already
    ['sdctl rlist tcp:', ['3', '10.0.0.1:80', '10.0.0.1:81']],
    ['sdctl rlist tcp:10.0.0.1:8', ['3', '80', '81']],
  ])('asks sdctl at %j', (line, replies) => {
    expect(offered(line)).toEqual(replies);
  });
});
