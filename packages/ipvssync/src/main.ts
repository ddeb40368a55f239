import { asWarning, describeProblem, isExpected, messageOf } from '@surealived/shared/errors';
import { answerCommandLine, EXIT, type Host, openProcessHost } from '@surealived/shared/process-host';
import { versionOf } from '@surealived/shared/program-files';
import { type LoadedConfig, loadConfig } from '@surealived/shared/surealived-cfg';
import { type Options, parseArguments } from './cli/options.js';
import { prepareShortRun } from './commands/short-run.js';

const PROGRAM = 'ipvssync';

/**
 * The whole program.
 *
 * @param argv Arguments without node and script.
 * @returns The process's exit status. User errors are one line on stderr; a bug is thrown.
 */
export async function main(argv: readonly string[], host: Host = openProcessHost(PROGRAM)): Promise<number> {
  const parsed = parseArguments(argv, versionOf(import.meta.url));
  if ('print' in parsed) return answerCommandLine(PROGRAM, parsed, host);
  try {
    return await run(parsed.options, loadConfig(parsed.options.config), host);
  } catch (error) {
    if (!isExpected(error)) throw error;
    host.stderr.write(`${messageOf(error).replace(/^/gm, 'ipvssync: ')}\n`);
    return EXIT.failed;
  }
}

/** Only what the mode needs is loaded: the start counts when a table has to be restored. */
async function run(options: Options, { config, warnings }: LoadedConfig, host: Host): Promise<number> {
  switch (options.mode) {
    case 'test':
      for (const warning of warnings) host.stderr.write(`${describeProblem(asWarning(warning))}\n`);
      return (await import('./commands/test-config.js')).testConfig(options, config, host)
        ? EXIT.ok
        : EXIT.failed;
    case 'plan':
      await (await import('./commands/once.js')).printPlan(options, config, host);
      return EXIT.ok;
    case 'once':
      prepareShortRun(config.full_sync_file);
      return (await claimed(options, async () =>
        (await import('./commands/once.js')).synchroniseOnce(options, config, host),
      ))
        ? EXIT.ok
        : EXIT.failed;
    case 'status': {
      const { printStatus } = await import('./status/status.js');
      const isAsDesired = await printStatus(config.ipvssync_status_socket, options.json, host);
      return isAsDesired ? EXIT.ok : EXIT.failed;
    }
    case 'role':
      return (await (await import('./commands/role.js')).switchRole(options, config, host))
        ? EXIT.ok
        : EXIT.failed;
    case 'follow':
      if (options.daemonize) return (await import('./watchdog.js')).leaveWatchdog(options, config, host);
      await claimed(options, async () =>
        (await import('./daemon.js')).runDaemon(options, { config, warnings }, host),
      );
      return EXIT.ok;
  }
}

async function claimed<T>({ backend }: Options, work: () => Promise<T>): Promise<T> {
  return (await import('./backend/table-claim.js')).withTableClaim(backend, work);
}
