import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { findProgram } from '../../servers/server-process.js';
import { addressOf, type Load, renderVirtuals } from '../load.js';
import { MeasuredProcess } from '../measured-process.js';
import type { Contender, Entrant } from './contender.js';

const SHIM_SOURCE = fileURLToPath(new URL('../../../bench/peers/no-ipvs.c', import.meta.url));
const START_TIMEOUT_MS = 60_000;

/** Why keepalived cannot take part; `undefined` where it can. */
export function keepalivedObstacle(): string | undefined {
  if (!findProgram('keepalived')) return 'keepalived is not installed';
  if (!findProgram('cc')) return 'there is no C compiler for what keepalived needs to run without IPVS';
  if (process.getuid?.() !== 0) return 'keepalived runs only as root';
  return undefined;
}

/** keepalived's checkers alone, its IPVS calls answered by a library of ours: it sees a table that takes everything. */
export const keepalived: Entrant = {
  name: 'keepalived',
  canTest: (tester) => tester === 'tcp' || tester === 'http',
  start: startKeepalived,
};

async function startKeepalived(load: Load, port: number): Promise<Contender> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-keepalived-'));
  const inIt = (name: string): string => join(directory, name);
  compileShim(inIt('no-ipvs.so'));
  writeFileSync(inIt('keepalived.conf'), configuration(load, port));
  const program = findProgram('keepalived') ?? 'keepalived';
  const files = ['-f', inIt('keepalived.conf'), '-p', inIt('parent.pid'), '-c', inIt('checkers.pid')];
  // only the checkers, in the foreground, without syslog
  const measured = new MeasuredProcess([program, '-C', '-n', '-G', ...files], {
    env: { LD_PRELOAD: inIt('no-ipvs.so') },
  });
  const stop = async (): Promise<void> => {
    await measured[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  };
  try {
    const checkersPid = await readPidFile(measured, inIt('checkers.pid'));
    return {
      pids: [measured.pid, checkersPid],
      count: async () => {
        if (measured.hasEnded) throw new Error(`keepalived ended:\n${measured.said}`);
        return undefined;
      },
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function compileShim(file: string): void {
  const { status, stderr } = spawnSync('cc', ['-O2', '-shared', '-fPIC', '-o', file, SHIM_SOURCE, '-ldl'], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`cc: ${stderr}`);
}

async function readPidFile(measured: MeasuredProcess, file: string): Promise<number> {
  const giveUpAtMs = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const pid = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
    if (pid > 0) return pid;
    if (measured.hasEnded || performance.now() > giveUpAtMs) {
      throw new Error(`keepalived did not start:\n${measured.said}`);
    }
    await delay(20);
  }
}

/** Its first checks are random within delay_loop by themselves. */
function configuration({ tester, reals, loopDelaySec }: Load, port: number): string {
  const connection = `connect_port ${port}\n      connect_timeout 5`;
  const url = 'url {\n        path /\n        status_code 200\n      }';
  const check =
    tester === 'http' ? `HTTP_GET {\n      ${url}\n      ${connection}` : `TCP_CHECK {\n      ${connection}`;
  return renderVirtuals(
    reals,
    (_, address, members) => `virtual_server ${address} 80 {
  delay_loop ${loopDelaySec}
  lvs_sched wrr
  lvs_method NAT
  protocol TCP
${members.map((i) => `  real_server ${addressOf(tester, i)} 80 {\n    weight 10\n    ${check}\n    }\n  }`).join('\n')}
}`,
  );
}
