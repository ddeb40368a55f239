import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, watch, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { temporaryDirectory } from '../../../shared/src/files.test-kit.js';
import { recordingLog } from '../services.test-kit.js';
import { NotificationRunner, type NotificationRunnerOptions } from './runner.js';

function runnerIn(options: Partial<NotificationRunnerOptions> = {}) {
  const directory = temporaryDirectory();
  const recorded = recordingLog();
  const runner = new NotificationRunner({ log: recorded.log, timeoutMs: 60_000, ...options });
  const subjects = new Map<string, object>();
  /** Tells `subject`, a real where its name begins so, something by a shell script. */
  const tell = (subject: string, script: string, ...args: string[]): void => {
    const program = join(directory, `${subject}-${Math.random()}.sh`);
    writeFileSync(program, `#!/bin/sh\ncd ${directory}\n${script}\n`);
    chmodSync(program, 0o755);
    const key = subjects.get(subject) ?? {};
    subjects.set(subject, key);
    const kind = subject.startsWith('real') ? 'real' : 'virtual';
    runner.run({ subject: key, kind, about: { virtual: subject }, program, args });
  };
  /** Waits until a file of the directory has this content. */
  const content = async (name: string, wanted: string): Promise<void> => {
    const file = join(directory, name);
    const watcher = watch(directory);
    onTestFinished(() => watcher.close());
    while (!existsSync(file) || readFileSync(file, 'utf8') !== wanted) await once(watcher, 'change');
    watcher.close();
  };
  const failure = async (): Promise<Record<string, unknown>> => {
    const { entries, stream } = recorded;
    if (entries.length === 0) await once(stream, 'entry');
    return entries[0] ?? {};
  };
  spawnSync('mkfifo', [join(directory, 'gate')]);
  /** Lets the script go on that has `cat gate`. */
  const openGate = (): void => void writeFile(join(directory, 'gate'), '');
  return { runner, tell, content, failure, openGate, directory, ...recorded };
}

describe('NotificationRunner', () => {
  it('runs a program with its arguments as they are, in a session of its own, without input and output', async () => {
    const { tell, content } = runnerIn();
    tell(
      'web',
      'printf "%s|" "$@" > args; read line; echo "$?" > in; echo out; echo err >&2; ps -o sid= -p $$ | tr -d " " > sid; [ "$(cat sid)" = $$ ] && echo yes > own',
      'a b',
      "c'd",
      '$(x)',
      '',
    );
    await content('args', "a b|c'd|$(x)||");
    await content('in', '1\n');
    await content('own', 'yes\n');
  });

  it.each([
    ['exit 3', { status: 3 }],
    ['kill -TERM $$', { signal: 'SIGTERM' }],
  ])('tells that %s is a failure', async (script, expected) => {
    const { tell, failure } = runnerIn();
    tell('web', script);
    expect(await failure()).toMatchObject({
      level: 'warn',
      msg: 'notification failed',
      virtual: 'web',
      program: expect.any(String),
      ...expected,
    });
  });

  it.each([
    ['/nowhere', 'spawn /nowhere ENOENT'],
    // what Node throws instead of telling it later
    ['/dev/null/program', 'spawn ENOTDIR'],
  ])('tells of a program that cannot be started, as %s, and goes on', async (program, cause) => {
    const { runner, tell, content, failure } = runnerIn({ maxRunning: 1 });
    runner.run({ subject: {}, kind: 'virtual', about: { virtual: 'web' }, program, args: [] });
    tell('mail', 'echo ran > file');
    expect(await failure()).toMatchObject({ msg: 'notification failed', cause });
    await content('file', 'ran\n');
  });

  it('kills one that takes too long, with all that it started', async () => {
    const { tell, failure, directory } = runnerIn({ timeoutMs: 300 });
    tell('web', 'sleep 600 & echo $! > pid; wait');
    expect(await failure()).toMatchObject({ cause: 'killed after 300 ms' });
    const pid = Number(readFileSync(join(directory, 'pid'), 'utf8'));
    // the kernel ends it when it gets its turn, and its new parent may not have looked yet
    await vi.waitFor(() => expect(stateOf(pid)).toMatch(/gone|\) Z /), 30_000);
  });

  it('leaves no zombie', async () => {
    const { tell, content } = runnerIn();
    tell('web', 'echo $$ > pid');
    tell('web', '[ -e /proc/$(cat pid) ] && echo zombie > left || echo nothing > left');
    await content('left', 'nothing\n');
  });

  it('tells one subject in order, one at a time, and others meanwhile', async () => {
    const { tell, content, openGate } = runnerIn();
    tell('web', 'cat gate; echo 1 >> order');
    tell('web', 'echo 2 >> order');
    tell('mail', 'echo ran > other');
    await content('other', 'ran\n');
    openGate();
    await content('order', '1\n2\n');
  });

  it('runs no more than so many at once', async () => {
    const { tell, content, directory } = runnerIn({ maxRunning: 2 });
    const script = 'mkdir running.$$; ls -d running.* | wc -l >> counts; rmdir running.$$; echo x >> done';
    for (let i = 0; i < 8; i++) tell(`v${i}`, script);
    await content('done', 'x\n'.repeat(8));
    const counts = readFileSync(join(directory, 'counts'), 'utf8').trim().split('\n').map(Number);
    expect(Math.max(...counts)).toBeLessThanOrEqual(2);
  });

  it('leaves out what a later one makes stale when too many wait, then what is of reals, then the oldest', async () => {
    const { tell, content, openGate } = runnerIn({ maxRunning: 1, maxWaiting: 3 });
    tell('first', 'cat gate');
    tell('mail', 'echo mail down >> order');
    tell('real1', 'echo real1 down >> order');
    tell('web', 'echo web down >> order');
    tell('web', 'echo web up >> order'); // instead of web down
    tell('real2', 'echo real2 down >> order'); // instead of real1 down
    tell('dns', 'echo dns down >> order'); // instead of real2 down
    tell('ntp', 'echo ntp down >> order'); // instead of mail down
    openGate();
    await content('order', 'web up\ndns down\nntp down\n');
  });

  it('says once that some are left out, and how many when none waits any more', async () => {
    const { tell, content, entries, openGate } = runnerIn({ maxRunning: 1, maxWaiting: 2 });
    const begun = { level: 'warn', msg: 'too many notifications wait, some are left out', waiting: 2 };
    const over = { level: 'warn', msg: 'notifications were left out', notifications: 3 };
    tell('first', 'cat gate');
    for (let i = 1; i <= 5; i++) tell('web', `echo ${i} >> order`);
    expect(entries).toMatchObject([begun]);
    openGate();
    await content('order', '4\n5\n');
    expect(entries).toMatchObject([begun, over]);
  });

  it('starts none after a stop, and leaves those that run alone', async () => {
    const { runner, tell, content, entries, openGate, directory } = runnerIn({ maxRunning: 1 });
    tell('web', 'echo begun > begin; cat gate; echo ended > end');
    tell('mail', 'echo ran > never');
    await content('begin', 'begun\n');
    runner.stop();
    expect(entries).toMatchObject([{ msg: 'notifications were still waiting', notifications: 1 }]);
    openGate();
    await content('end', 'ended\n');
    expect(existsSync(join(directory, 'never'))).toBe(false);
  });
});

function stateOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return 'gone';
  }
}
