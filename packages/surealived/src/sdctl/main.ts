import { parseCommandLine } from '@surealived/shared/command-line';
import { nearestName } from '@surealived/shared/nearest-name';
import { versionOf } from '@surealived/shared/program-files';
import { describeSyntax, SDCTL_COMMANDS } from './commands.js';
import { complete } from './complete.js';
import { EXIT, type ExitStatus, Failure } from './failure.js';
import { readConnectionOptions, sdctlCommandLine } from './options.js';
import { Session } from './session.js';
import { openTerminal, type Terminal } from './terminal.js';

/** Hidden: the completion scripts ask it. */
const COMPLETE = '__complete';

/**
 * The whole program.
 *
 * @param argv Arguments without node and script.
 * @returns The process's exit status.
 */
export async function main(
  argv: readonly string[],
  terminal: Terminal = openTerminal(),
): Promise<ExitStatus> {
  try {
    if (argv[0] === COMPLETE) return await printCompletions(argv.slice(1), terminal);
    return await run(argv, terminal);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    terminal.stderr.write(`${error.message.replace(/^(?! )/gm, 'sdctl: ')}\n`);
    return error.status;
  }
}

async function run(argv: readonly string[], terminal: Terminal): Promise<ExitStatus> {
  const parsed = parseCommandLine(sdctlCommandLine(), argv, versionOf(import.meta.url));
  if ('print' in parsed) {
    if (parsed.isError) throw new Failure(EXIT.usage, `${parsed.print} (see --help)`);
    terminal.stdout.write(`${parsed.print}\n`);
    return EXIT.ok;
  }
  const [name, ...operands] = parsed.operands;
  const command = findCommand(name);
  const fewest = command.operands.filter(({ isOptional }) => !isOptional).length;
  if (operands.length < fewest || operands.length > command.operands.length)
    throw new Failure(EXIT.usage, `usage: sdctl ${describeSyntax(command)}`);
  const { endpoints, timeoutMs } = readConnectionOptions(parsed.values);
  await using session = new Session({
    terminal,
    timeoutMs,
    isJson: parsed.values.json,
    endpoints: () => endpoints,
  });
  return (await command.run(session, operands)) ?? EXIT.ok;
}

function findCommand(name: string | undefined) {
  if (name === undefined) throw new Failure(EXIT.usage, 'a command is missing (see --help)');
  const command = SDCTL_COMMANDS.find((candidate) => candidate.name === name);
  if (command) return command;
  const nearest = nearestName(
    name,
    SDCTL_COMMANDS.map((candidate) => candidate.name),
  );
  const hint = nearest === undefined ? '(see --help)' : `– did you mean ${nearest}?`;
  throw new Failure(EXIT.usage, `no command "${name}" ${hint}`);
}

/** Whoever types must not be disturbed: what fails completes to nothing. */
async function printCompletions(words: readonly string[], terminal: Terminal): Promise<ExitStatus> {
  const found = await complete(words, terminal).catch((error: unknown) => {
    if (error instanceof Failure) return [];
    throw error;
  });
  if (found.length > 0) terminal.stdout.write(`${found.join('\n')}\n`);
  return EXIT.ok;
}
