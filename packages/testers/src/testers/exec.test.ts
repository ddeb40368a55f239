import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { parseAddress } from '@surealived/shared/address';
import { describe, expect, it } from 'vitest';
import { exampleTarget } from '../kit/conformance.js';
import { runTask } from '../kit/run-task.js';
import { taskChecks } from '../kit/task-conformance.js';
import { leftOf, script, untilGone } from '../processes.test-kit.js';
import { ObstacleError, type Target, type Verdict } from '../tester.js';
import exec from './exec.js';

const target = exampleTarget();

function run(path: string, params = '', to: Target = target) {
  return runTask(exec, to, { exec: path, params });
}

/**
 * Runs a script whose first line of output is its process id, and aborts it then.
 *
 * @returns The process group, once the test has ended.
 */
async function abortOnceStarted(body: string): Promise<number> {
  const controller = new AbortController();
  let group = 0;
  await exec.check(
    target,
    { exec: script(`echo $$\n${body}`), params: '' },
    {
      signal: controller.signal,
      timeoutMs: 10_000,
      connected: () => undefined,
      sent: () => undefined,
      received: (data) => {
        group ||= Number.parseInt(String(data), 10);
        controller.abort();
      },
    },
  );
  return group;
}

describe('exec', () => {
  const sample = {
    healthy: () => ({ target, attributes: { exec: script('exit 0'), params: '' } }),
    hanging: () => ({ target, attributes: { exec: script('exec sleep 1000'), params: '' } }),
  };
  for (const { title, run } of taskChecks(exec, sample)) it(title, run);

  it.each([
    ['', ['192.0.2.1', '80']],
    ['-w 5', ['192.0.2.1', '80', '-w', '5']],
    ['a  b', ['192.0.2.1', '80', 'a', '', 'b']],
    [' a ', ['192.0.2.1', '80', '', 'a', '']],
    ['"a b" $HOME *', ['192.0.2.1', '80', '"a', 'b"', '$HOME', '*']],
  ])('with params %j runs the program with %j', async (params, args) => {
    const { received, verdict } = await run(script(`printf '[%s]' "$@"`), params);
    expect(received.toString()).toBe(args.map((text) => `[${text}]`).join(''));
    expect(verdict).toEqual({ up: true, detail: 'exit status 0' });
  });

  it('gives an IPv6 address without brackets', async () => {
    const address = parseAddress('2001:db8::1') ?? target.address;
    const { received } = await run(script(`printf '[%s]' "$@"`), '', { ...target, address, port: 65_535 });
    expect(received.toString()).toBe('[2001:db8::1][65535]');
  });

  it.each<[string, Verdict]>([
    ['exit 1', { up: false, reason: 'content', detail: 'exit status 1' }],
    ['exit 255', { up: false, reason: 'content', detail: 'exit status 255' }],
    ['kill -SEGV $$', { up: false, reason: 'content', detail: 'ended by SIGSEGV' }],
    ['kill -KILL $$', { up: false, reason: 'content', detail: 'ended by SIGKILL' }],
  ])('finds a program that does "%s" down', async (body, verdict) => {
    expect((await run(script(body))).verdict).toEqual(verdict);
  });

  it('gives the program nothing to read, and takes what it says on both outputs', async () => {
    const { received, verdict } = await run(script('read line; echo "status $?"; echo sorry >&2; exit 3'));
    expect(received.toString().split('\n').sort()).toEqual(['', 'sorry', 'status 1']);
    expect(verdict.detail).toBe('exit status 3');
  });

  it('takes all output of a program that says very much', async () => {
    const { received, verdict } = await run(script('head -c 20000000 /dev/zero'));
    expect([received.length, verdict.up]).toEqual([20_000_000, true]);
  });

  it('does not wait for whoever else holds the output open, and leaves nobody behind', async () => {
    const { received, verdict } = await run(script('sleep 1000 & echo $$'));
    expect(verdict.up).toBe(true);
    await untilGone(Number.parseInt(String(received), 10));
  });

  it('does not wait for a process that has left its group with the output open', async () => {
    // it writes into the fifo when it is in a session of its own
    const body = `
      fifo="$0.fifo"; mkfifo "$fifo"
      setsid sh -c 'echo $$; echo >"$0"; exec sleep 1000' "$fifo" &
      read line <"$fifo"`;
    const { received, verdict } = await run(script(body));
    expect(verdict.up).toBe(true);
    process.kill(Number.parseInt(String(received), 10), 'SIGKILL');
  });

  it.each([
    ['hangs', 'exec sleep 1000'],
    ['ignores signals', 'trap "" TERM INT HUP; while :; do sleep 1000; done'],
    ['has children and grandchildren', 'sleep 1000 & (sleep 1000 & sleep 1000) & wait'],
    ['has closed its output', 'exec >/dev/null 2>&1; sleep 1000'],
    ['never stops talking', 'while :; do echo more; done'],
    ['has stopped', 'kill -STOP $$'],
  ])('kills the whole group of a program that %s when it is aborted', async (_what, body) => {
    const group = await abortOnceStarted(body);
    expect(group).toBeGreaterThan(1);
    await untilGone(group);
  });

  it('leaves no zombie', async () => {
    const { received } = await run(script('echo $$; exit 1'));
    expect(leftOf(Number.parseInt(String(received), 10))).toEqual([]);
  });

  it.each([
    ['is not there', '/nowhere/check', 'ENOENT'],
    ['is a directory', '/', 'EACCES'],
  ])('calls a program that %s an obstacle, not a verdict', async (_what, path, code) => {
    await expect(run(path)).rejects.toThrow(new ObstacleError(`${path} cannot be run: ${code}`));
  });

  it('calls a program that may not be executed an obstacle', async () => {
    const path = script('exit 0');
    writeFileSync(`${path}.txt`, '#!/bin/sh\n', { mode: 0o644 });
    await expect(run(`${path}.txt`)).rejects.toThrow('cannot be run: EACCES');
  });

  it('calls it an obstacle when this process has no descriptors left', () => {
    const program = `
      const { runTask } = await import('@surealived/testers/kit/run-task');
      const { exampleTarget } = await import('@surealived/testers/kit/conformance');
      const { default: exec } = await import('@surealived/testers/testers/exec');
      const { openSync } = await import('node:fs');
      try { for (;;) openSync('/dev/null'); } catch { }
      const run = runTask(exec, exampleTarget(), { exec: '/bin/true', params: '' });
      process.exitCode = await run.then(() => 1, ({ name, message }) => message.endsWith('EMFILE') ? 42 : 2);
    `;
    const { status } = spawnSync(
      'sh',
      ['-c', 'ulimit -n 256; exec "$@"', 'sh', process.execPath, '--input-type=module', '-e', program],
      { cwd: import.meta.dirname, stdio: ['ignore', 'ignore', 'inherit'] },
    );
    expect(status).toBe(42);
  });

  it.each([
    ['/nonexistent/check', { message: '/nonexistent/check cannot be run: ENOENT', isWarning: true }],
    ['/etc/passwd', { message: '/etc/passwd cannot be run: EACCES', isWarning: true }],
    ['/usr/bin', { message: '/usr/bin is no program' }],
  ])('finds at load that %s is no program', (path, fault) => {
    expect(exec.findFault?.({ exec: path, params: '' })).toEqual({ attribute: 'exec', ...fault });
  });

  it('finds nothing wrong with a program, or with one to look for along PATH', () => {
    for (const path of [script('exit 0'), 'true'])
      expect(exec.findFault?.({ exec: path, params: '' })).toBeUndefined();
  });
});
