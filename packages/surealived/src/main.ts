import { daemonize } from '@surealived/shared/daemon/daemonize';
import { refuseWhereRunning, removePidFile, writePidFile } from '@surealived/shared/daemon/pid-file';
import { asWarning, describeProblem, messageOf, SureAliveError } from '@surealived/shared/errors';
import { returnMemoryEagerly } from '@surealived/shared/libc';
import { type Logger, raiseLevel } from '@surealived/shared/log';
import { type LogSettings, logSettings } from '@surealived/shared/log-outputs';
import { answerCommandLine, EXIT, type Host, openProcessHost } from '@surealived/shared/process-host';
import { pathOf, versionOf } from '@surealived/shared/program-files';
import { openProgramLog } from '@surealived/shared/program-log';
import { loadConfig, type SurealivedConfig } from '@surealived/shared/surealived-cfg';
import { collectGarbage } from './collect-garbage.js';
import type { VirtualConfig } from './config/model.js';
import type { Sources } from './config/sources.js';
import { unpackVirtual } from './config/transfer.js';
import type { Daemon } from './daemon.js';
import { checkHandover } from './handover/check-handover.js';
import { type Options, parseArguments } from './options.js';
import { loadAtStart } from './reload/candidate.js';

const PROGRAM = 'surealived';

/**
 * The whole program, until a signal ends it.
 *
 * @param argv Arguments without node and script.
 * @returns The process's exit status. Errors of the user go to stderr, a line each; a bug is thrown.
 */
export async function main(argv: readonly string[], host: Host = openProcessHost(PROGRAM)): Promise<number> {
  const parsed = parseArguments(argv, versionOf(import.meta.url));
  if ('print' in parsed) return answerCommandLine(PROGRAM, parsed, host);
  const { options } = parsed;
  try {
    if (options.daemonize && !options.testConfig) return await leaveWatchdog(options, host);
    const sources = { configFile: options.config, servicesFile: options.services, strict: options.strict };
    if (options.testConfig) return await testConfiguration(options, sources, host);
    return await run(options, sources, host);
  } catch (error) {
    if (!(error instanceof SureAliveError)) throw error;
    host.stderr.write(`${error.message}\n`);
    return EXIT.failed;
  }
}

function logSettingsOf(config: SurealivedConfig, { verbosity }: Options): LogSettings {
  const level = raiseLevel(config.logging, verbosity);
  return logSettings(PROGRAM, { file: config.log, level }, config);
}

/** `-d`: the watchdog's child reads everything again, and says what is wrong with it. */
async function leaveWatchdog(options: Options, host: Host): Promise<number> {
  const { config } = loadConfig(options.config);
  const plan = {
    program: PROGRAM,
    script: pathOf('#surealived', import.meta.url),
    argv: options.childArguments,
    onTerminate: 'restart' as const,
    pidFile: options.pidFile || config.pid_file,
    memlimit: config.memlimit,
    log: logSettingsOf(config, options),
  };
  return await daemonize(plan, host);
}

async function run(options: Options, sources: Sources, host: Host): Promise<number> {
  const reloadFrom = takeHangUps(host);
  const loaded = await load(sources);
  if ('problems' in loaded) {
    for (const problem of loaded.problems) host.stderr.write(`${problem}\n`);
    return EXIT.failed;
  }
  const { config, virtuals, warnings, DaemonClass } = loaded;
  const pidFile = host.watchdog ? '' : options.pidFile || config.pid_file;
  refuseWhereRunning(pidFile, PROGRAM);
  const serviceManager = await host.joinServiceManager?.();
  const log = await openProgramLog(logSettingsOf(config, options), host);
  for (const warning of warnings) log.warn(warning);
  const daemon = new DaemonClass({
    config,
    virtuals,
    sources,
    log,
    verbosity: options.verbosity,
    noSync: options.noSync || config.no_sync,
    noDumpFile: options.noDumpFile,
    watchdogPid: host.watchdog?.pid,
  });
  const signalled = new Promise<string>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) host.onSignal(signal, () => resolve(signal));
    host.watchdog?.onGone(() => resolve('watchdog gone'));
  });
  void signalled.then(() => serviceManager?.reportStopping());
  try {
    const onStarted = (): void => {
      serviceManager?.reportStarted();
      reloadFrom(daemon);
    };
    return await runUntil(signalled, daemon, { log, host, pidFile, onStarted });
  } finally {
    serviceManager?.close();
    removePidFile(pidFile);
  }
}

/**
 * Takes SIGHUP from the beginning, since it would end a process that does not. What comes before the start is over is done
 * then: the files may have been read already.
 *
 * @returns Whom to tell from then on.
 */
function takeHangUps(host: Host): (daemon: Pick<Daemon, 'reload'>) => void {
  let daemon: Pick<Daemon, 'reload'> | undefined;
  let isWanted = false;
  host.onSignal('SIGHUP', () => {
    isWanted = true;
    void daemon?.reload();
  });
  return (started) => {
    daemon = started;
    if (isWanted) void daemon.reload();
  };
}

interface Surroundings {
  readonly log: Logger;
  readonly host: Host;
  /** Empty for none. */
  readonly pidFile: string;
  readonly onStarted: () => void;
}

async function runUntil(
  signalled: Promise<string>,
  daemon: Pick<Daemon, 'start' | 'stop'>,
  { log, host, pidFile, onStarted }: Surroundings,
): Promise<number> {
  try {
    await daemon.start();
  } catch (error) {
    log.error({ cause: messageOf(error) }, 'cannot start');
    if (host.watchdog) host.stderr.write(`${PROGRAM}: cannot start: ${messageOf(error)}\n`);
    return EXIT.failed;
  }
  collectGarbage();
  const reason = await writePidFile(pidFile);
  if (reason !== undefined) log.error({ reason }, 'pid file not written');
  host.watchdog?.reportStarted();
  onStarted();
  log.info({ signal: await signalled }, 'stopping');
  await daemon.stop();
  return EXIT.ok;
}

interface Loaded {
  readonly config: SurealivedConfig;
  readonly virtuals: readonly VirtualConfig[];
  readonly warnings: readonly string[];
  readonly DaemonClass: typeof Daemon;
}

/**
 * Reads the files in another thread, and meanwhile what the rest of the program is. What is only needed for it is let go of
 * with the return.
 */
async function load(sources: Sources): Promise<Loaded | { readonly problems: readonly string[] }> {
  returnMemoryEagerly();
  const reading = loadAtStart(sources);
  const [{ Daemon: DaemonClass }, { loadRegistry }] = await Promise.all([
    import('./daemon.js'),
    import('./config/registry.js'),
  ]);
  const candidate = await reading;
  if (!candidate.ok) return candidate;
  const { config, warnings } = candidate;
  const registry = await loadRegistry(config);
  return {
    config,
    virtuals: candidate.virtuals.map((text) => unpackVirtual(text, registry)),
    warnings,
    DaemonClass,
  };
}

async function testConfiguration(
  { services: file, testStart, noSync }: Options,
  sources: Sources,
  host: Host,
): Promise<number> {
  const { loadSources } = await import('./config/sources.js');
  const { config, services, warnings } = await loadSources(sources);
  for (const warning of warnings) host.stderr.write(`${describeProblem(asWarning(warning))}\n`);
  const obstacles = testStart && !noSync && !config.no_sync ? await checkHandover(config) : [];
  for (const obstacle of obstacles) host.stderr.write(`${obstacle}\n`);
  if (obstacles.length > 0) return EXIT.failed;
  const reals = services.virtuals.reduce((sum, virtual) => sum + virtual.reals.length, 0);
  host.stdout.write(`${file}: ${services.virtuals.length} virtuals, ${reals} reals: ok\n`);
  return EXIT.ok;
}
