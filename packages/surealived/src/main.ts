/**
 * The command line of surealived.
 *
 * @module
 */
import { describeProblem, messageOf, SureAliveError } from '@surealived/shared/errors';
import { createLogger, type Logger, raiseLevel } from '@surealived/shared/log';
import { DEFAULT_CONFIG_PATH, loadConfig, type SurealivedConfig } from '@surealived/shared/surealived-cfg';
import { TesterRegistry } from '@surealived/testers/registry';
import yargs from 'yargs';
import { loadServices, type Services } from './config/load.js';
import { Daemon } from './daemon.js';

/** Exit statuses; part of the public contract. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

/** What main needs of a process; `process` fits. */
export interface Host {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean };
  once(signal: 'SIGTERM' | 'SIGINT', handler: () => void): unknown;
}

const VERSION = '0.1.0';

/** Runs surealived until a signal ends it. @returns The exit status. */
export async function main(argv: readonly string[], host: Host = process): Promise<number> {
  const options = parseOptions(argv, host);
  if (typeof options === 'number') return options;
  try {
    const config = loadConfig(options.config);
    const services = loadServices(options.services, {
      registry: new TesterRegistry(),
      strict: options.strict,
    });
    if (options.testConfig) return reportServices(services, options.services, host);
    const log = createLogger('surealived', {
      level: raiseLevel(config.logging, options.verbose),
      format: config.log_format,
      sink: host.stderr,
    });
    for (const warning of services.warnings) log.warn(describeProblem(warning));
    return await run(config, services, options.noSync || config.no_sync, log, host);
  } catch (error) {
    if (!(error instanceof SureAliveError)) throw error;
    host.stderr.write(`${error.message}\n`);
    return EXIT.failed;
  }
}

async function run(
  config: SurealivedConfig,
  { virtuals }: Services,
  noSync: boolean,
  log: Logger,
  host: Host,
): Promise<number> {
  const daemon = new Daemon({ config, virtuals, log, noSync });
  const signalled = new Promise<string>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) host.once(signal, () => resolve(signal));
  });
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

interface Options {
  readonly config: string;
  readonly services: string;
  readonly testConfig: boolean;
  readonly strict: boolean;
  readonly verbose: number;
  readonly noSync: boolean;
}

/** The options, or the status to exit with when they asked for nothing else or are wrong. */
function parseOptions(argv: readonly string[], host: Host): Options | number {
  let output: string | undefined;
  let mistake: string | undefined;
  const parser = yargs()
    .scriptName('surealived')
    .usage('$0 [options] <services.xml>\n\nTests real servers and hands their state to ipvssync.')
    .option('config', {
      alias: 'c',
      type: 'string',
      default: DEFAULT_CONFIG_PATH,
      describe: 'surealived.cfg to use',
    })
    .option('test-config', {
      alias: 't',
      type: 'boolean',
      default: false,
      describe: 'Check the files and exit',
    })
    .option('strict', { type: 'boolean', default: false, describe: 'Take warnings for errors' })
    .option('verbose', { alias: 'v', type: 'count', describe: 'Log more; may be repeated' })
    .option('no-sync', { alias: 'n', type: 'boolean', default: false, describe: 'Write no snapshots' })
    .help('help')
    .alias('help', 'h')
    .version(VERSION)
    .alias('version', 'V')
    .strictOptions()
    .parserConfiguration({ 'boolean-negation': false, 'duplicate-arguments-array': false })
    .exitProcess(false)
    .fail((message, error) => {
      mistake = message ?? messageOf(error);
    });
  const args = parser.parseSync([...argv], {}, (_error, _args, text) => {
    output = text;
  });
  if (output && !mistake) {
    host.stdout.write(`${output}\n`);
    return EXIT.ok;
  }
  const files = args._.map(String);
  if (!mistake && files.length !== 1) mistake = `expected one services file, got ${files.length}`;
  if (mistake) {
    host.stderr.write(`surealived: ${mistake} (see surealived --help)\n`);
    return EXIT.usage;
  }
  return {
    config: args.config,
    services: files[0] ?? '',
    testConfig: args['test-config'],
    strict: args.strict,
    verbose: args.verbose,
    noSync: args['no-sync'],
  };
}
