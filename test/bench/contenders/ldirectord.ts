import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '../../servers/server-process.js';
import { addressOf, type Load, renderVirtuals } from '../load.js';
import { MeasuredProcess } from '../measured-process.js';
import type { Contender, Entrant } from './contender.js';

/** Why ldirectord cannot take part; `undefined` where it can. */
export function ldirectordObstacle(): string | undefined {
  if (!findProgram('ldirectord')) return 'ldirectord is not installed';
  return undefined;
}

/**
 * ldirectord in one process, as it is by default: it tests one real after the other and then sleeps for the interval.
 *
 * It calls ipvsadm by its path, so a copy of it runs that has another path in that place, of a program that takes
 * everything: no table is touched.
 */
export const ldirectord: Entrant = {
  name: 'ldirectord',
  canTest: (tester) => tester === 'tcp' || tester === 'http',
  start: startLdirectord,
};

async function startLdirectord(load: Load, port: number): Promise<Contender> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-ldirectord-'));
  const inIt = (name: string): string => join(directory, name);
  writeFileSync(inIt('ipvsadm'), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
  const source = readFileSync(findProgram('ldirectord') ?? 'ldirectord', 'utf8');
  const copy = source
    .replaceAll(/"(\/usr)?\/sbin\/ipvsadm"/g, JSON.stringify(inIt('ipvsadm')))
    .replaceAll('"/var/run/ldirectord"', JSON.stringify(inIt('ldirectord')));
  if (!copy.includes(`"${inIt('ipvsadm')}"`)) throw new Error('ldirectord calls ipvsadm in an unknown way');
  writeFileSync(inIt('ldirectord'), copy, { mode: 0o755 });
  writeFileSync(inIt('ldirectord.cf'), configuration(load, port, inIt('ldirectord.log')));
  // without PERLIO it would start itself once more, by another path
  const measured = new MeasuredProcess(['perl', inIt('ldirectord'), inIt('ldirectord.cf'), 'start'], {
    env: { PERLIO: 'perlio' },
  });
  return {
    pids: [measured.pid],
    count: async () => {
      if (measured.hasEnded) throw new Error(`ldirectord ended:\n${measured.said}`);
      return undefined;
    },
    [Symbol.asyncDispose]: async () => {
      await measured[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true });
    },
  };
}

function configuration({ tester, reals, loopDelaySec }: Load, port: number, logFile: string): string {
  const check =
    tester === 'http'
      ? ['checktype=negotiate', 'service=http', 'request="/"', 'receive="ok"']
      : ['checktype=connect'];
  const settings = [...check, `checkport=${port}`, 'protocol=tcp', 'scheduler=wrr'];
  const virtuals = renderVirtuals(
    reals,
    (_, address, members) => `virtual=${address}:80
${members.map((i) => `    real=${addressOf(tester, i)}:80 masq 10`).join('\n')}
${settings.map((setting) => `    ${setting}`).join('\n')}
`,
  );
  return `checkinterval=${loopDelaySec}
checktimeout=5
negotiatetimeout=5
supervised=yes
autoreload=no
logfile="${logFile}"

${virtuals}
`;
}
