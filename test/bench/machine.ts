import { spawnSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';
import { PROGRAM_PATH } from '../kernel/requirements.js';

/** How to ask a program for its version, and where in the answer it stands. */
interface Versioned {
  readonly name: string;
  readonly command: readonly string[];
  readonly pattern: RegExp;
}

const PROGRAMS: readonly Versioned[] = [
  { name: 'nginx', command: ['nginx', '-v'], pattern: /nginx\/(\S+)/ },
  { name: 'OpenSSL', command: ['openssl', 'version'], pattern: /OpenSSL (\S+)/ },
  { name: 'keepalived', command: ['keepalived', '--version'], pattern: /Keepalived v(\S+)/ },
  { name: 'ldirectord', command: ['ldirectord', '--version'], pattern: /Director v(\S+)/ },
  // ipvsadm itself says nothing where the kernel has no IPVS
  { name: 'ipvsadm', command: ['dpkg', '-s', 'ipvsadm'], pattern: /^Version: (?:\d:)?([\d.]+)/m },
  { name: 'User-Mode Linux', command: ['linux.uml', '--version'], pattern: /^(\S+)$/m },
];

/** Processor, kernel, and the versions of those programs of the comparisons that are installed. */
export function describeMachine(): Readonly<Record<string, string>> {
  const processors = cpus();
  return {
    processor: `${processors.length} × ${processors[0]?.model ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GB`,
    kernel: `Linux ${release()}`,
    'Node.js': process.versions.node,
    ...Object.fromEntries(PROGRAMS.flatMap(versionOf)),
  };
}

function versionOf({ name, command: [program = '', ...args], pattern }: Versioned): [string, string][] {
  const { error, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    env: { ...process.env, PATH: PROGRAM_PATH },
    timeout: 10_000,
  });
  const version = pattern.exec(stdout + stderr)?.[1];
  return error || version === undefined ? [] : [[name, version]];
}

/** As one line. */
export function formatMachine(machine: Readonly<Record<string, string>>): string {
  return Object.entries(machine)
    .map(([name, value]) => (value.startsWith('Linux') || /^\d+ /.test(value) ? value : `${name} ${value}`))
    .join(', ');
}
