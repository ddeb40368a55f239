import { appendFileSync, existsSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { EXIT } from '@surealived/shared/process-host';
import { listenOnPath } from '@surealived/shared/unix-socket';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FakeHost } from '../../../shared/src/host.test-kit.js';
import { deadProcessSocket } from '../../../shared/src/unix-socket.test-kit.js';
import { diff, real, sealed, WEB } from '../handover/handover.test-kit.js';
import { main } from '../main.js';
import { Process } from '../main.test-kit.js';

/** Asks with `--status`, from another process than that which follows. */
async function ask(process: Process, ...argv: string[]): Promise<FakeHost & { readonly exit: number }> {
  const host = new FakeHost();
  const exit = await main(['-c', process.config, '--status', ...argv], host);
  return Object.assign(host, { exit });
}

/** Starts to follow; the end of the test ends it. */
async function follow(process: Process, ...argv: string[]): Promise<void> {
  const ended = process.run(...argv);
  onTestFinished(async () => {
    process.emit('SIGTERM');
    await ended;
  });
  await process.untilPrinted('status is told');
}

describe('ipvssync --status', () => {
  it('prints a page, and exits 0 while all is as desired', async () => {
    const process = new Process();
    process.files.writeSealed(17, 'b', WEB, real('10.0.0.11:80', 1), real('10.0.0.12:80', 1));
    await follow(process);
    const { exit, out, err } = await ask(process);
    expect([exit, err]).toEqual([EXIT.ok, '']);
    expect(out).toContain(`\ntable       memory:${process.table}: as desired\n`);
    expect(out).toContain('\nsnapshot    generation 17, 1 virtual, 2 reals, ');
    expect(out).toMatch(/\ntcp 10\.0\.0\.1:80 {2}web( +0){9}\n$/);
  });

  it('prints the document with --json', async () => {
    const process = new Process();
    await follow(process);
    const { exit, out } = await ask(process, '--json');
    expect(exit).toBe(EXIT.ok);
    expect(out).toMatch(/^\{.*\}\n$/);
    expect(JSON.parse(out)).toMatchObject({
      version: 1,
      asDesired: true,
      lastChange: { whole: true, operations: 3, refused: 0 },
      operations: { done: 3, refused: 0 },
      settings: { syncRole: 'unmanaged', failure: null },
      virtuals: [{ virtual: 'tcp 10.0.0.1:80', name: 'web', reals: [{ active: 0 }, { active: 0 }] }],
    });
  });

  it('shows what is tried again, what is held back and what is not ours', async () => {
    const process = new Process();
    const existing = '-A -t 10.0.0.9:80 -s rr\n-A -t 10.0.0.1:80 -s wrr -p 300\n';
    appendFileSync(process.table, `${existing}-a -t 10.0.0.1:80 -r 10.0.0.99:80 -g -w 1\n`);
    const odd = WEB.replace('vsched=wrr', 'vsched=nosuch').replace('10.0.0.1', '10.0.0.3');
    process.files.writeFull('a', WEB, real('10.0.0.11:80', 1), odd, real('10.0.0.31:80', 1));
    await follow(process, '--max-deletes', '0');
    const { exit, out } = await ask(process, '--json');
    expect(exit).toBe(EXIT.failed);
    expect(JSON.parse(out)).toMatchObject({
      asDesired: false,
      failing: [
        {
          virtual: 'tcp 10.0.0.3:80',
          reason: 'add tcp 10.0.0.3:80: ENOENT (scheduler "nosuch" is not in the kernel)',
          retryInSec: expect.any(Number),
        },
      ],
      heldBack: { maxDeletes: 0, deletions: ['tcp 10.0.0.1:80 real 10.0.0.99:80'] },
      leftAlone: [{ virtual: 'tcp 10.0.0.9:80', reason: 'unmanaged', inSnapshot: false }],
      virtuals: [{ inTable: true }, { inTable: false }, { name: null }],
    });
    expect((await ask(process)).out).toMatch(/\ntcp 10\.0\.0\.9:80 +\(unmanaged\) /);
  });

  it('shows why a snapshot is refused until another one comes', async () => {
    const process = new Process();
    await follow(process);
    process.files.writeFull('a', WEB.replace('vport=80', 'vport=http'));
    process.emit('SIGHUP');
    await process.untilPrinted('hand-over files refused');
    process.files.appendDiff('a', diff('chgreal', '10.0.0.11:80', 7)); // the next look has nothing against it
    await process.untilPrinted('weight 1 -> 7');
    const { exit, out } = await ask(process, '--json');
    expect(exit).toBe(EXIT.failed);
    expect(JSON.parse(out).snapshot.trouble).toContain('vport: expected an integer 0..65535, got "http"');
    process.files.writeFull('b', WEB, real('10.0.0.11:80', 1));
    process.emit('SIGHUP');
    await process.untilPrinted('weight 7 -> 1');
    expect((await ask(process)).exit).toBe(EXIT.ok);
  });

  it('shows which role the sync daemons shall have, and that they have it not', async () => {
    const process = new Process();
    const lines = [
      'ipvs_sync_role backup',
      'ipvs_sync_interface nosuch0',
      `ipvs_sync_role_file ${process.table}.role`,
    ];
    appendFileSync(process.config, `${lines.join('\n')}\n`);
    await follow(process);
    const { exit, out } = await ask(process, '--json');
    expect(exit).toBe(EXIT.failed);
    expect(JSON.parse(out).settings).toMatchObject({
      syncRole: 'backup',
      failure: { reason: expect.stringMatching(/ENODEV/), retryInSec: expect.any(Number) },
    });
  });

  it('counts how long verdicts take to the table', async () => {
    const process = new Process();
    process.files.writeSealed(17, 'b', WEB, real('10.0.0.11:80', 1));
    process.files.appendDiff('b');
    await follow(process);
    process.files.appendDiff('b', sealed(diff('chgreal', '10.0.0.11:80', 9), Date.now()));
    await process.untilPrinted('latencyMs=');
    const { latency } = JSON.parse((await ask(process, '--json')).out);
    expect(latency).toEqual({ count: 1, medianMs: expect.any(Number), p99Ms: latency.medianMs });
  });
});

describe('ipvssync --status, where there is nothing to ask', () => {
  it('says that none answers, also after one has ended', async () => {
    const process = new Process();
    const reason = `no ipvssync answers on ${process.socket}: ENOENT (none follows, or its log says why it has no status socket)`;
    const nobody = { exit: EXIT.failed, out: '', err: `ipvssync: ${reason}\n` };
    expect(await ask(process)).toMatchObject(nobody);
    const ended = process.run();
    await process.untilPrinted('status is told');
    process.emit('SIGTERM');
    await ended;
    expect(existsSync(process.socket)).toBe(false);
    expect(await ask(process, '--json')).toMatchObject(nobody);
  });

  it('says so too of a socket that a dead process left', async () => {
    const process = new Process();
    await deadProcessSocket(process.socket);
    const { exit, err } = await ask(process);
    expect(exit).toBe(EXIT.failed);
    expect(err).toContain(`no ipvssync answers on ${process.socket}: ECONNREFUSED (none follows, `);
  });

  it('says that there is no socket', async () => {
    const process = new Process();
    appendFileSync(process.config, 'ipvssync_status_socket none\n');
    const { exit, err } = await ask(process);
    expect([exit, err]).toEqual([
      EXIT.failed,
      'ipvssync: there is no status socket: ipvssync_status_socket is none\n',
    ]);
  });

  it.each([
    ['', /: the answer is empty: /],
    ['{"version":1,', /: the answer is cut off: /],
    ['hello\n', /: the answer is none of an ipvssync of this version \(unknown\)$/],
    ['{"version":2,"programVersion":"9.0"}\n', /of this version \(9\.0\)$/],
  ])('takes no answer %j', async (answer, message) => {
    const process = new Process();
    const server = createServer((socket) => socket.end(answer));
    await listenOnPath(server, { path: process.socket, mode: 0o600 });
    onTestFinished(() => void server.close());
    const { exit, out, err } = await ask(process, '--json');
    expect([exit, out]).toEqual([EXIT.failed, '']);
    expect(err.trim()).toMatch(message);
  });

  it('needs neither snapshot nor table', async () => {
    const process = new Process();
    await follow(process);
    rmSync(process.files.paths.full_sync_file);
    rmSync(process.table);
    expect((await ask(process)).exit).toBe(EXIT.ok);
  });
});
