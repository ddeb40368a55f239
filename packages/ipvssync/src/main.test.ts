import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { EXIT } from '@surealived/shared/process-host';
import { describe, expect, it } from 'vitest';
import { FakeHost } from '../../shared/src/host.test-kit.js';
import { DNS, META, real, WEB } from './handover/handover.test-kit.js';
import { main } from './main.js';
import { Process } from './main.test-kit.js';

describe('ipvssync --plan', () => {
  it('prints what would change, and changes nothing', async () => {
    const process = new Process();
    process.files.setReloadFlag();
    expect(await process.run('--plan')).toBe(EXIT.ok);
    expect(process.out.split('\n')).toEqual([
      '+ tcp 10.0.0.1:80 scheduler wrr persistence 300s',
      '+ tcp 10.0.0.1:80 real 10.0.0.11:80 forwarding dr weight 1',
      '+ tcp 10.0.0.1:80 real 10.0.0.12:80 forwarding dr weight 2',
      '',
    ]);
    expect(existsSync(process.table)).toBe(false);
    expect(existsSync(process.files.paths.full_reload_file)).toBe(true);
  });
});

describe('ipvssync --plan, of what it would not do', () => {
  const foreign =
    '-A -t 10.0.0.8:80 -s rr\n-A -t 10.0.0.9:80 -s rr\n-a -t 10.0.0.9:80 -r 10.0.0.91:80 -g -w 1\n';
  function withForeign(): Process {
    const process = new Process();
    writeFileSync(process.config, `${readFileSync(process.config, 'utf8')}protect tcp:10.0.0.8:80\n`);
    writeFileSync(process.table, foreign);
    process.files.writeFull('a', WEB);
    return process;
  }

  it('names what is left alone', async () => {
    const process = withForeign();
    expect(await process.run('--plan')).toBe(EXIT.ok);
    expect(process.out.split('\n').slice(2)).toEqual([
      'left alone: tcp 10.0.0.8:80 (protected)',
      'left alone: tcp 10.0.0.9:80 (-u deletes it)',
      '',
    ]);
    writeFileSync(process.config, `${readFileSync(process.config, 'utf8')}protect tcp:10.0.0.1:80\n`);
    await process.run('--plan', '-u', '--max-deletes', '2');
    expect(process.out.split('\n')).toEqual([
      '- tcp 10.0.0.8:80',
      '- tcp 10.0.0.9:80',
      '3 deletions held back, max_deletes allows 2 (--once --force makes them)',
      'left alone: tcp 10.0.0.1:80 (protected, though the snapshot has it)',
      '',
    ]);
  });

  it('prints all of it as one document', async () => {
    const process = withForeign();
    expect(await process.run('--plan', '--json', '-u', '--max-deletes', '1')).toBe(EXIT.ok);
    expect(process.out).toMatch(/^\{.*\}\n$/);
    const tunnel = { type: 'ipip', port: 0, flags: 'nocsum' };
    const weighted = { forwarding: 'dr', weight: 2, lowerThreshold: 0, upperThreshold: 0, tunnel };
    expect(JSON.parse(process.out)).toEqual({
      version: 1,
      operations: [
        {
          action: 'add',
          virtual: 'tcp 10.0.0.1:80',
          real: null,
          before: null,
          after: {
            scheduler: 'wrr',
            schedulerFlags: 0,
            persistenceSec: 300,
            persistencePrefix: 32,
            persistenceEngine: '',
            onePacket: false,
          },
          text: '+ tcp 10.0.0.1:80 scheduler wrr persistence 300s',
        },
        {
          action: 'add',
          virtual: 'tcp 10.0.0.1:80',
          real: '10.0.0.12:80',
          before: null,
          after: weighted,
          text: '+ tcp 10.0.0.1:80 real 10.0.0.12:80 forwarding dr weight 2',
        },
        {
          action: 'delete',
          virtual: 'tcp 10.0.0.9:80',
          real: null,
          before: null,
          after: null,
          text: '- tcp 10.0.0.9:80',
        },
      ],
      settings: [],
      heldBack: { count: 2, maxDeletes: 1 },
      leftAlone: [{ virtual: 'tcp 10.0.0.8:80', reason: 'protected', inSnapshot: false }],
      draining: [],
    });
  });

  it('has the settings of before and after of an edit', async () => {
    const process = new Process();
    const existing = '-A -t 10.0.0.1:80 -s rr -p 300\n-a -t 10.0.0.1:80 -r 10.0.0.12:80 -m -w 0\n';
    writeFileSync(process.table, existing);
    await process.run('--plan', '--json');
    const { operations, heldBack } = JSON.parse(process.out);
    expect(heldBack).toBe(null);
    expect(operations).toMatchObject([
      { action: 'edit', real: null, before: { scheduler: 'rr' }, after: { scheduler: 'wrr' } },
      { action: 'add', real: '10.0.0.11:80' },
      { action: 'edit', before: { forwarding: 'masq', weight: 0 }, after: { forwarding: 'dr', weight: 2 } },
    ]);
  });
});

describe('a virtual that drains', () => {
  const standing =
    '-A -t 10.0.0.1:80 -s wrr -p 300\n' +
    [11, 12, 13, 14].map((last) => `-a -t 10.0.0.1:80 -r 10.0.0.${last}:80 -g -w ${last % 2}\n`).join('');

  function draining(): Process {
    const process = new Process();
    process.files.writeFull('b', WEB.replace('\n', ' vdrain=60\n'), real('10.0.0.11:80', 1));
    process.files.appendDiff('b');
    writeFileSync(process.table, standing);
    return process;
  }

  it('is planned with what is to drain, and what drains already', async () => {
    const process = draining();
    await process.run('--plan');
    expect(process.out.split('\n')).toEqual([
      '~ tcp 10.0.0.1:80 real 10.0.0.13:80 weight 1 -> 0 (drains)',
      'draining: tcp 10.0.0.1:80 real 10.0.0.12:80',
      'draining: tcp 10.0.0.1:80 real 10.0.0.14:80',
      '',
    ]);
    await process.run('--plan', '--json');
    expect(JSON.parse(process.out).draining).toEqual([
      { virtual: 'tcp 10.0.0.1:80', real: '10.0.0.12:80' },
      { virtual: 'tcp 10.0.0.1:80', real: '10.0.0.14:80' },
    ]);
  });

  it('is rid of reals without connections by --once', async () => {
    const process = draining();
    expect(await process.run('--once', '-v')).toBe(EXIT.ok);
    expect(process.out).toMatch(
      /^~ .*\.13:80 weight 1 -> 0 \(drains\)\n(- .*\n){3}edited 1 real, deleted 3 reals in /,
    );
  });
});

describe('ipvssync --once', () => {
  it('holds too many deletions back with status 1, and makes them with --force', async () => {
    const process = new Process();
    writeFileSync(process.table, '-A -t 10.0.0.8:80 -s rr\n-A -t 10.0.0.9:80 -s rr\n');
    expect(await process.run('--once', '-u', '--max-deletes=1')).toBe(EXIT.failed);
    const names = 'tcp 10.0.0.8:80, tcp 10.0.0.9:80';
    expect(process.err).toBe(
      `ipvssync: 2 deletions held back, max_deletes allows 1: ${names} (--force makes them)\n`,
    );
    expect(process.out).toMatch(/^added 1 service and 2 reals in /);
    expect(await process.run('--once', '-u', '--max-deletes=1', '--force')).toBe(EXIT.ok);
    expect(process.out).toMatch(/^deleted 2 services in /);
  });

  it.each(['--once', '--plan'])(
    'refuses a snapshot without any virtual, as %s, but with --allow-empty',
    async (mode) => {
      const process = new Process();
      process.files.writeFull('b');
      const message = 'no virtual at all; --allow-empty takes it';
      expect(await process.run(mode, '-u')).toBe(EXIT.failed);
      expect(process.err).toBe(`ipvssync: ${process.files.paths.full_sync_file}: ${message}\n`);
      expect(await process.run(mode, '-u', '--allow-empty')).toBe(EXIT.ok);
    },
  );

  it('synchronises, says what it did, and has nothing to do the second time', async () => {
    const process = new Process();
    expect(await process.run('--once')).toBe(EXIT.ok);
    expect(process.out).toMatch(/^added 1 service and 2 reals in \d+\.\d ms\n$/);
    expect(readFileSync(process.table, 'utf8')).toBe(
      [
        '-A -t 10.0.0.1:80 -s wrr -p 300',
        '-a -t 10.0.0.1:80 -r 10.0.0.11:80 -g -w 1',
        '-a -t 10.0.0.1:80 -r 10.0.0.12:80 -g -w 2\n',
      ].join('\n'),
    );
    expect(await process.run('--once')).toBe(EXIT.ok);
    expect(process.out).toMatch(/^nothing to change in /);
    expect(await process.run('--plan')).toBe(EXIT.ok);
    expect(process.out).toBe('nothing to change\n');
  });

  it('prints each operation with -v', async () => {
    const process = new Process();
    writeFileSync(
      process.table,
      '-A -t 10.0.0.1:80 -s rr -p 300\n-a -t 10.0.0.1:80 -r 10.0.0.12:80 -m -w 0\n',
    );
    await process.run('--once', '-v');
    expect(process.out.split('\n').slice(0, 3)).toEqual([
      '~ tcp 10.0.0.1:80 scheduler rr -> wrr',
      '+ tcp 10.0.0.1:80 real 10.0.0.11:80 forwarding dr weight 1',
      '~ tcp 10.0.0.1:80 real 10.0.0.12:80 forwarding masq -> dr weight 0 -> 2',
    ]);
    expect(process.out).toMatch(/added 1 real, edited 1 service and 1 real in /);
  });

  it('exits 1 and names the reason where something is refused', async () => {
    const process = new Process();
    process.files.writeFull('a', WEB.replace('wrr', 'nosuch'), DNS);
    expect(await process.run('--once')).toBe(EXIT.failed);
    expect(process.err).toBe(
      'ipvssync: add tcp 10.0.0.1:80: ENOENT (scheduler "nosuch" is not in the kernel)\n',
    );
    expect(process.out).toMatch(/^added 1 service, failed 2 operations in /);
  });

  it('deletes unknown services with -u alone', async () => {
    const process = new Process();
    await process.run('--once');
    const foreign = '-A -t 10.0.0.9:80 -s rr\n';
    writeFileSync(process.table, readFileSync(process.table, 'utf8') + foreign);
    await process.run('--once');
    expect(readFileSync(process.table, 'utf8')).toContain(foreign);
    await process.run('--once', '-u');
    expect(process.out).toMatch(/^deleted 1 service in /);
    expect(readFileSync(process.table, 'utf8')).not.toContain(foreign);
  });
});

describe('the settings of the kernel', () => {
  const configured = (...lines: readonly string[]): Process => {
    const process = new Process();
    const all = [...lines, 'ipvs_sync_interface lo', `ipvs_sync_role_file ${process.table}.role`];
    appendFileSync(process.config, `${all.join('\n')}\n`);
    return process;
  };
  const DAEMON = 'on lo syncid 0 group 224.0.0.81:8848 ttl 1';

  it('are planned and made with the table', async () => {
    const process = configured('ipvs_timeout_tcp_fin_sec 30', 'ipvs_sync_role master');
    const lines = ['~ timeouts tcp_fin 120s -> 30s', `+ sync daemon master ${DAEMON}`];
    await process.run('--plan');
    expect(process.out.split('\n').slice(3)).toEqual([...lines, '']);
    expect(await process.run('--once')).toBe(EXIT.ok);
    expect(process.out.split('\n').slice(0, 2)).toEqual(lines);
    await process.run('--plan');
    expect(process.out).toBe('nothing to change\n');
  });

  it('have the role of the last --role, which needs no snapshot and is nothing the second time', async () => {
    const process = configured('ipvs_sync_role master', 'ipvs_timeout_udp_sec 30');
    await process.run('--once');
    rmSync(process.files.paths.full_sync_file);
    expect(await process.run('--role', 'backup')).toBe(EXIT.ok);
    expect(process.out).toBe(`+ sync daemon backup ${DAEMON}\n- sync daemon master ${DAEMON} maxlen 1472\n`);
    expect(await process.run('--role', 'backup')).toBe(EXIT.ok);
    expect(process.out).toBe('nothing to change for role backup\n');
    process.files.writeFull('a', WEB, real('10.0.0.11:80', 1));
    await process.run('--plan');
    expect(process.out).toBe('nothing to change\n');
  });

  it('are switched by commands that come at the same time, one after the other', async () => {
    const process = configured();
    const roles = ['master', 'backup', 'both', 'none', 'master'];
    expect(await Promise.all(roles.map((role) => process.run('--role', role)))).toEqual(
      roles.map(() => EXIT.ok),
    );
  });

  it('that are refused make --once and --role exit 1', async () => {
    const process = configured('ipvs_sync_role backup');
    appendFileSync(process.config, 'ipvs_sync_interface nosuch0\n');
    const reason = /^ipvssync: start sync daemon \w+ on nosuch0 .*: ENODEV \(no such network interface\)\n$/;
    expect(await process.run('--once')).toBe(EXIT.failed);
    expect(process.err).toMatch(reason);
    expect(await process.run('--role', 'both')).toBe(EXIT.failed);
    expect(process.err.split('\n')[0]).toMatch(/on nosuch0/);
  });

  it('take no role without an interface', async () => {
    const process = new Process();
    expect(await process.run('--role', 'master')).toBe(EXIT.failed);
    expect(process.err).toBe(
      `ipvssync: ${process.config}: role master needs ipvs_sync_interface, which is not given\n`,
    );
  });
});

describe('ipvssync -t', () => {
  it('says what the snapshot holds', async () => {
    const process = new Process();
    expect(await process.run('-t')).toBe(EXIT.ok);
    expect(process.out).toBe(`${process.files.paths.full_sync_file}: 1 virtuals, 1 reals\n`);
  });

  it('prints every problem of the snapshot', async () => {
    const process = new Process();
    const file = process.files.paths.full_sync_file;
    writeFileSync(file, `${META}${WEB.replace('=80', '=http')}${WEB}${real('10.0.0.11:80', 70_000)}`);
    expect(await process.run('-t')).toBe(EXIT.failed);
    expect(process.err).toBe(
      [
        `${file}:2: vport: expected an integer 0..65535, got "http"`,
        `${file}:4: rweight: expected an integer 0..65535, got "70000"\n`,
      ].join('\n'),
    );
  });

  it('prints every problem of the configuration', async () => {
    const process = new Process();
    writeFileSync(process.config, 'maxfd many\nlisten_port -1\n');
    expect(await process.run('-t')).toBe(EXIT.failed);
    expect(process.err.split('\n').map((line) => line.split(': ')[1])).toEqual([
      `${process.config}:1`,
      `${process.config}:2`,
      undefined,
    ]);
  });

  it('fails without a snapshot', async () => {
    const process = new Process();
    const file = process.files.paths.full_sync_file;
    rmSync(file);
    expect(await process.run('-t')).toBe(EXIT.failed);
    expect(process.err).toBe(`${file}: missing; surealived must run first\n`);
  });

  it('needs none with --wait, where a start does not either', async () => {
    const process = new Process();
    rmSync(process.files.paths.full_sync_file);
    expect(await process.run('-t', '--wait')).toBe(EXIT.ok);
    appendFileSync(process.config, 'ipvs_sync_role both\n'); // without an interface
    expect(await process.run('-t', '--wait')).toBe(EXIT.failed);
  });

  it('fails on a snapshot without any virtual, which the start refuses, unless it is allowed', async () => {
    const process = new Process();
    process.files.writeFull('a');
    expect(await process.run('-t')).toBe(EXIT.failed);
    expect(process.err).toBe(
      `${process.files.paths.full_sync_file}: no virtual at all; --allow-empty takes it\n`,
    );
    expect(await process.run('-t', '--allow-empty')).toBe(EXIT.ok);
  });

  it('looks at the lock and at the role file too', async () => {
    const process = new Process();
    const role = process.files.diffPath('../role');
    const interfaceLine = 'ipvs_sync_role none\nipvs_sync_interface lo\n';
    appendFileSync(process.config, `ipvs_sync_role_file ${role}\n${interfaceLine}`);
    writeFileSync(role, 'role=king\n');
    rmSync(process.files.paths.lock_sync_file);
    expect(await process.run('-t')).toBe(EXIT.failed);
    expect(process.out).toContain('1 virtuals, 1 reals\n');
    expect(process.err).toBe(
      `${process.files.paths.lock_sync_file}: missing; surealived must run first\n` +
        `${role}:1: expected what "ipvssync --role" writes; run it again\n`,
    );
  });
});

describe('ipvssync as a daemon', () => {
  it('follows, reloads at SIGHUP, and ends at SIGTERM with the table as it is', async () => {
    const process = new Process();
    const ended = process.run();
    await process.untilPrinted('table synchronised operations=3');
    process.files.writeFull('a', WEB, real('10.0.0.11:80', 5));
    process.emit('SIGHUP');
    await process.untilPrinted('weight 1 -> 5');
    process.emit('SIGTERM');
    expect(await ended).toBe(EXIT.ok);
    expect(readFileSync(process.table, 'utf8')).toContain('-r 10.0.0.11:80 -g -w 5\n');
    expect(process.err).toContain('stopping signal=SIGTERM');
  });

  it('reads the configuration anew at SIGHUP, and keeps what is in force where that is wrong', async () => {
    const process = new Process();
    const foreign = '-A -t 10.0.0.8:80 -s rr\n';
    writeFileSync(process.table, foreign);
    const own = readFileSync(process.config, 'utf8');
    writeFileSync(process.config, `${own}protect tcp:10.0.0.8:80\nresync_interval_sec 0\n`);
    const ended = process.run('-u');
    await process.untilPrinted('table synchronised');
    expect(readFileSync(process.table, 'utf8')).toContain(foreign);
    writeFileSync(process.config, `${own}max_deletes many\n`);
    process.emit('SIGHUP');
    await process.untilPrinted('configuration refused, the one in force stays');
    expect(process.err).toContain('max_deletes: expected');
    writeFileSync(process.config, `${own}resync_interval_sec 0\nlock_sync_file /nowhere\n`);
    process.emit('SIGHUP');
    await process.untilPrinted('configuration changed keys=protect');
    await process.untilPrinted('- tcp 10.0.0.8:80');
    expect(process.err).toContain('lock_sync_file: takes effect after a restart');
    process.emit('SIGTERM');
    expect(await ended).toBe(EXIT.ok);
    expect(readFileSync(process.table, 'utf8')).not.toContain(foreign);
  });

  it('ends at SIGINT too', async () => {
    const process = new Process();
    const ended = process.run();
    await process.untilPrinted('table synchronised');
    process.emit('SIGINT');
    expect(await ended).toBe(EXIT.ok);
  });

  it.each(['full_sync_file', 'lock_sync_file'] as const)('refuses to start without %s', async (key) => {
    const process = new Process();
    rmSync(process.files.paths[key]);
    expect(await process.run()).toBe(EXIT.failed);
    expect(process.err).toBe(`ipvssync: ${process.files.paths[key]}: missing; surealived must run first\n`);
  });
});

describe('two of ipvssync on one table', () => {
  it('do not both write: the second is refused, but may look', async () => {
    const process = new Process();
    const ended = process.run();
    await process.untilPrinted('table synchronised');
    const second = new FakeHost();
    const run = (...argv: string[]): Promise<number> =>
      main(['-c', process.config, '--table', `memory:${process.table}`, ...argv], second);
    for (const argv of [['--once'], []]) {
      second.err = '';
      expect(await run(...argv)).toBe(EXIT.failed);
      expect(second.err).toMatch(/^ipvssync: the table .* is taken by process \d+ \(.*\)\n$/);
    }
    expect(await run('--plan')).toBe(EXIT.ok);
    expect(await run('-t')).toBe(EXIT.ok);
    process.emit('SIGTERM');
    expect(await ended).toBe(EXIT.ok);
    expect(await run('--once')).toBe(EXIT.ok);
  });
});

describe('ipvssync', () => {
  it('exits 2 with one line where the arguments are wrong', async () => {
    const process = new Process();
    expect(await process.run('--bogus')).toBe(EXIT.usage);
    expect(process.err).toBe("ipvssync: Unknown option '--bogus' (see --help)\n");
  });

  it('prints its version', async () => {
    const process = new Process();
    expect(await process.run('-V')).toBe(EXIT.ok);
    expect(process.out).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?\n$/);
  });

  it('says that the configuration is missing', async () => {
    const process = new Process();
    rmSync(process.config);
    expect(await process.run('--once')).toBe(EXIT.failed);
    expect(process.err).toMatch(/^ipvssync: .*sd\.cfg: ENOENT: .*\n$/);
  });
});
