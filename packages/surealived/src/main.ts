import { describeProblem, messageOf, SureAliveError } from '@surealived/shared/errors';
import { createLogger, type Logger, raiseLevel } from '@surealived/shared/log';
import {
  answerCommandLine,
  EXIT,
  type Host,
  openProcessHost,
  readVersion,
} from '@surealived/shared/process-host';
import { loadConfig, type SurealivedConfig } from '@surealived/shared/surealived-cfg';
import { TesterRegistry } from '@surealived/testers/registry';
import { loadServices, type Services } from './config/load.js';
import { Daemon } from './daemon.js';
import { type Options, parseArguments } from './options.js';

const MANIFEST = new URL('../package.json', import.meta.url);

/**
 * The whole program, until a signal ends it.
 *
 * @param argv Arguments without node and script.
 * @returns The process's exit status. Errors of the user go to stderr, a line each; a bug is thrown.
 */
export async function main(argv: readonly string[], host: Host = openProcessHost()): Promise<number> {
  const parsed = parseArguments(argv, readVersion(MANIFEST));
  if ('print' in parsed) return answerCommandLine('surealived', parsed, host);
  const { options } = parsed;
  try {
    const config = loadConfig(options.config);
    const services = loadServices(options.services, {
      registry: new TesterRegistry(),
      strict: options.strict,
    });
    if (options.testConfig) return reportServices(services, options.services, host);
    return await run(options, config, services, host);
  } catch (error) {
    if (!(error instanceof SureAliveError)) throw error;
    host.stderr.write(`${error.message}\n`);
    return EXIT.failed;
  }
}

async function run(
  options: Options,
  config: SurealivedConfig,
  { virtuals, warnings }: Services,
  host: Host,
): Promise<number> {
  const log = createLogger('surealived', {
    level: raiseLevel(config.logging, options.verbosity),
    format: config.log_format,
    sink: host.stderr,
  });
  for (const warning of warnings) log.warn(describeProblem(warning));
  const daemon = new Daemon({ config, virtuals, log, noSync: options.noSync || config.no_sync });
  const signalled = new Promise<string>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) host.onSignal(signal, () => resolve(signal));
  });
  host.onSignal('SIGHUP', () =>
    log.warn('SIGHUP has no effect in this version: restart to apply changed files'),
  );
  return await runUntil(signalled, daemon, log);
}

async function runUntil(signalled: Promise<string>, daemon: Daemon, log: Logger): Promise<number> {
  try {
    await daemon.start();
  } catch (error) {
    log.error({ cause: messageOf(error) }, 'cannot start');
    return EXIT.failed;
  }
  log.info({ signal: await signalled }, 'stopping');
  await daemon.stop();
  return EXIT.ok;
}

/** What `-t` prints when a file is good. */
function reportServices({ virtuals, warnings }: Services, file: string, host: Host): number {
  for (const warning of warnings) host.stderr.write(`${describeProblem(warning)} (warning)\n`);
  const reals = virtuals.reduce((sum, virtual) => sum + virtual.reals.length, 0);
  host.stdout.write(`${file}: ${virtuals.length} virtuals, ${reals} reals: ok\n`);
  return EXIT.ok;
}
