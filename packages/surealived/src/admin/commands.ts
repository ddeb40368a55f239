/**
 * The commands of the admin socket (spec section 7): one line in, the lines of the answer out. No I/O of its own.
 *
 * @module
 */
import { inspect } from 'node:util';
import type { Logger } from '@surealived/shared/log';
import { parseFields } from '@surealived/shared/snapshot/fields';
import { check } from './check.js';
import { type Answer, type Command, CommandError, type Request } from './command.js';
import { connstats } from './connstats.js';
import type { CommandContext } from './context.js';
import { DOCUMENT_VERSION, type Help, INTERNAL_ERROR } from './documents.js';
import { history } from './history.js';
import { jsonParts } from './json-parts.js';
import { rlist, vlist } from './listing.js';
import { reload } from './reload.js';
import { rset, vset } from './setting.js';
import { stats } from './statistics-report.js';

/** The last line of every answer. */
export const END_OF_ANSWER = '_SD_CMD_END_';
const JSON_SWITCH = '--json';
/** A place that a listing has printed, and that says nothing: `v:0`. */
const PLACE = /^[vr]:\d+$/;

const help: Command = {
  name: 'help',
  operands: '',
  summary: 'lists the commands; each takes --json too',
  run: () => ({
    lines: () =>
      COMMANDS.map(({ name, operands, summary }) => `${`${name} ${operands}`.trimEnd()} - ${summary}`),
    document: (): Help => ({
      commands: COMMANDS.map(({ name, operands, summary }) => ({ name, operands, summary })),
    }),
  }),
};

/** In the order of `help` and of the manual. */
export const COMMANDS: readonly Command[] = [
  vlist,
  rlist,
  rset,
  vset,
  stats,
  connstats,
  check,
  history,
  reload,
  help,
];
const COMMANDS_BY_NAME = new Map(COMMANDS.map((command) => [command.name, command]));

/**
 * Answers one line; a mistake is answered in one line too. The server ends every answer with END_OF_ANSWER.
 *
 * @returns The text in parts, which are made as they are read; a promise only where the command has to wait. Neither
 * making nor waiting fails: what goes wrong is an answer.
 */
export function answer(context: CommandContext, line: string): Promise<Iterable<string>> | Iterable<string> {
  const text = line.trim();
  const { name, request } = parseRequest(text);
  const command = COMMANDS_BY_NAME.get(name);
  if (!command || !request) return printLines([`Invalid request! [${text}]`]);
  const { isJson } = request;
  const refuse = (error: unknown) => printRefusal(explain(error, context.log, text), isJson);
  const print = (result: Answer) => printAnswer(result, isJson, refuse);
  try {
    const result = command.run(context, request);
    return result instanceof Promise ? result.then(print, refuse) : print(result);
  } catch (error) {
    return refuse(error);
  }
}

/** Why a command fails, for who asked. A bug does not end the process here: the tests must not pay for a question. */
function explain(error: unknown, log: Logger, command: string): string {
  if (error instanceof CommandError) return error.message;
  log.error({ command, stack: inspect(error) }, 'admin command failed');
  return INTERNAL_ERROR;
}

function parseRequest(text: string): { name: string; request: Request | undefined } {
  const [name = '', ...words] = text.split(/\s+/);
  const isJson = words.includes(JSON_SWITCH);
  const rest = words.filter((word) => word !== JSON_SWITCH && !PLACE.test(word));
  let isSound = true;
  const fields = parseFields(rest.join(' '), () => {
    isSound = false;
  });
  return { name, request: isSound ? { fields, isJson } : undefined };
}

/** Where making the answer fails, the refusal has a line of its own. */
function* printAnswer(
  answer: Answer,
  isJson: boolean,
  refuse: (error: unknown) => Iterable<string>,
): Generator<string> {
  let last = '\n';
  try {
    for (const part of isJson ? printDocument(answer.document()) : printLines(answer.lines())) {
      yield part;
      last = part;
    }
  } catch (error) {
    if (!last.endsWith('\n')) yield '\n';
    yield* refuse(error);
  }
}

function printRefusal(message: string, isJson: boolean): Iterable<string> {
  return isJson ? printDocument({ error: message }) : printLines([message]);
}

function* printLines(lines: Iterable<string>): Generator<string> {
  for (const line of lines) yield `${line}\n`;
}

function* printDocument(document: object): Generator<string> {
  yield* jsonParts({ version: DOCUMENT_VERSION, ...document });
  yield '\n';
}
