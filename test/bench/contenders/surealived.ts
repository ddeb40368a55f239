import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { askAdmin } from '../../daemons/admin-client.js';
import { scriptOf } from '../../daemons/daemon-process.js';
import { HandoverDirectory } from '../../daemons/handover-directory.js';
import { freePort } from '../../servers/server-process.js';
import { type Load, servicesXml } from '../load.js';
import { MeasuredProcess } from '../measured-process.js';
import type { Contender, Counts, Entrant } from './contender.js';

const START_TIMEOUT_MS = 60_000;

/** A surealived under measurement, with its files; it may not answer yet. */
export interface LaunchedSurealived extends AsyncDisposable {
  readonly directory: HandoverDirectory;
  readonly measured: MeasuredProcess;
  readonly adminPort: number;
  readonly launchedAtMs: number;
}

export const surealived: Entrant = {
  name: 'surealived',
  canTest: () => true,
  start: (load, port) => startSurealived(load, port),
};

/** A program that is told by the environment and takes surealived's command line and files. */
export function otherSurealived(command = process.env.SUREALIVED_PEER): Entrant | undefined {
  if (!command) return undefined;
  const program = command.split(' ');
  return {
    name: program.at(-1)?.split('/').at(-1) ?? command,
    canTest: () => true,
    start: (load, port) => startSurealived(load, port, { program }),
  };
}

export interface StartOptions {
  /** Another program than ours; its arguments are those of surealived. */
  readonly program?: readonly string[];
  /** File of ours, where it is not the one that the tests run. */
  readonly script?: string;
  /** For Node, where the program is ours. */
  readonly nodeOptions?: readonly string[];
}

/** @returns once it answers. */
export async function startSurealived(
  load: Load,
  port: number,
  options: StartOptions = {},
): Promise<Contender> {
  const launched = await launchSurealived(load, port, options);
  const { measured, adminPort } = launched;
  try {
    await answering(measured, adminPort);
  } catch (error) {
    await launched[Symbol.asyncDispose]();
    throw error;
  }
  return {
    pids: [measured.pid],
    count: async () => readCounts(await askAdmin(adminPort, 'stats')),
    [Symbol.asyncDispose]: () => launched[Symbol.asyncDispose](),
  };
}

/** @returns at once. */
export async function launchSurealived(
  load: Load,
  port: number,
  { program, script = scriptOf('surealived'), nodeOptions = [] }: StartOptions = {},
): Promise<LaunchedSurealived> {
  const command = program ?? [process.execPath, ...ownNodeOptions(), ...nodeOptions, script];
  const adminPort = await freePort();
  const directory = new HandoverDirectory({
    maxfd: 32_768,
    logging: 'error',
    listen_port: adminPort,
    // a virtual's first test is random within this, and its reals' follow within it: an even spread over the round
    startup_delay_ms: load.loopDelaySec * 1000,
  });
  const services = directory.writeServices(servicesXml(load, port));
  // other programs may want to find them
  for (const name of ['diffs', 'stats', 'comm']) mkdirSync(join(directory.path, name));
  const launchedAtMs = performance.now();
  const measured = new MeasuredProcess([...command, '-c', directory.config, services]);
  return {
    directory,
    measured,
    adminPort,
    launchedAtMs,
    [Symbol.asyncDispose]: async () => {
      await measured[Symbol.asyncDispose]();
      directory[Symbol.dispose]();
    },
  };
}

/** Other programs log in other words, so the admin socket is asked until it answers. */
async function answering(measured: MeasuredProcess, port: number): Promise<void> {
  const giveUpAtMs = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      await askAdmin(port, 'stats');
      return;
    } catch {
      if (measured.hasEnded || performance.now() > giveUpAtMs) {
        throw new Error(`it did not start:\n${measured.said}`);
      }
      await delay(20);
    }
  }
}

function readCounts(stats: string): Counts {
  const read = (name: string): number => Number(new RegExp(`^${name}\\s*: (\\d+)$`, 'm').exec(stats)?.[1]);
  const lagMs = read('lag_ms'); // the original has none
  return {
    successes: read('t_success'),
    failures: read('t_failed'),
    lagMs: Number.isNaN(lagMs) ? undefined : lagMs,
  };
}

/** The options of the program's first line, which hold where it is started by its name, as users do. */
export function ownNodeOptions(): readonly string[] {
  const [firstLine = ''] = readFileSync(scriptOf('surealived'), 'utf8').split('\n', 1);
  return firstLine.split(' ').filter((word) => word.startsWith('--'));
}
