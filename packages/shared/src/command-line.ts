/**
 * Command lines by tables of options, over `parseArgs` of node:util: it starts a tenth of a second sooner than the
 * larger libraries, which counts where a table has to be restored.
 *
 * @module
 */
import { resolve } from 'node:path';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { DEFAULT_CONFIG_PATH } from './surealived-cfg.js';

type Option = NonNullable<ParseArgsConfig['options']>[string] & {
  readonly help: string;
  /** What a value is called in the help. */
  readonly value?: string;
  /** The value with an absolute path, of an option that has one. */
  readonly toAbsolute?: (value: string) => string;
};
export type OptionTable = Readonly<Record<string, Option>>;

/** What every program of ours understands. */
export const COMMON_OPTIONS = {
  config: {
    type: 'string',
    short: 'c',
    default: DEFAULT_CONFIG_PATH,
    value: 'FILE',
    toAbsolute: resolve,
    help: 'configuration file',
  },
  help: { type: 'boolean', default: false, short: 'h', help: 'print this' },
  version: { type: 'boolean', default: false, short: 'V', help: 'print the version' },
} as const satisfies OptionTable;

/** A switch of an option table. */
export const FLAG = { type: 'boolean', default: false } as const;

/** What a program understands that has a log. */
export const LOG_OPTIONS = {
  verbose: { type: 'boolean', short: 'v', multiple: true, help: 'log more; may be repeated' },
} as const satisfies OptionTable;

/** What a program understands that can run as a daemon. */
export const DAEMON_OPTIONS = {
  daemonize: { ...FLAG, short: 'd', help: 'run detached, kept running by a watchdog' },
  'pid-file': {
    type: 'string',
    value: 'FILE',
    help: "write the process id to FILE (with -d the watchdog's)",
  },
} as const satisfies OptionTable;

/** The value of an option that names a file and may be left away. */
export function absoluteOrEmpty(path: string | undefined): string {
  return path === undefined || path === '' ? '' : resolve(path);
}

export interface CommandLine<T extends OptionTable> {
  readonly program: string;
  /** What follows the options in the usage line, such as `<services.xml>`; empty for nothing. */
  readonly operands: string;
  /** One sentence. */
  readonly summary: string;
  readonly options: T;
  /** What else the help tells, after the options. */
  readonly notes?: string;
}

type Parsed<T extends OptionTable> = ReturnType<
  typeof parseArgs<{ options: T & typeof COMMON_OPTIONS; allowPositionals: true }>
>;

/** The arguments, or what to print instead of running, with whether that is an error of the user. */
export type ParsedCommandLine<T extends OptionTable> =
  | {
      readonly values: Parsed<T>['values'];
      readonly operands: readonly string[];
      /** How many times -v was given. */
      readonly verbosity: number;
      /** The same arguments for the process that a watchdog starts, in another directory. Operands are paths. */
      readonly childArguments: readonly string[];
    }
  | Printed;

export interface Printed {
  readonly print: string;
  readonly isError: boolean;
}

/** @param version What --version prints. */
export function parseCommandLine<T extends OptionTable>(
  commandLine: CommandLine<T>,
  argv: readonly string[],
  version: string,
): ParsedCommandLine<T> {
  try {
    const options = { ...commandLine.options, ...COMMON_OPTIONS };
    const { values, positionals, tokens } = parseArgs({
      args: [...argv],
      options,
      strict: true,
      allowPositionals: true,
      tokens: true,
    });
    const {
      help,
      version: wantsVersion,
      verbose,
    } = values as { [name: string]: boolean | boolean[] | undefined };
    if (help) return { print: describeUsage(commandLine), isError: false };
    if (wantsVersion) return { print: version, isError: false };
    const verbosity = Array.isArray(verbose) ? verbose.length : 0;
    const childArguments = [
      ...tokens.flatMap((token) => (token.kind === 'option' ? childOption(token, options) : [])),
      ...(positionals.length > 0 ? ['--'] : []),
      ...positionals.map((path) => resolve(path)),
    ];
    return { values: values as Parsed<T>['values'], operands: positionals, verbosity, childArguments };
  } catch (error) {
    if (!(error instanceof TypeError && 'code' in error)) throw error;
    const [message = ''] = error.message.split('. '); // what follows is advice for programmers
    return { print: message, isError: true };
  }
}

/** An option as the child of a watchdog gets it. */
function childOption(
  { name, value }: { readonly name: string; readonly value?: string | undefined },
  options: OptionTable,
): readonly string[] {
  if (Object.hasOwn(DAEMON_OPTIONS, name)) return []; // the watchdog's affair
  if (value === undefined) return [`--${name}`];
  return [`--${name}=${options[name]?.toAbsolute?.(value) ?? value}`];
}

function describeUsage<T extends OptionTable>({
  program,
  operands,
  summary,
  options,
  notes,
}: CommandLine<T>): string {
  const table: OptionTable = { ...options, ...COMMON_OPTIONS };
  const names = Object.entries(table).map(([name, { value = '', short }]) => {
    return `${short === undefined ? '   ' : `-${short},`} --${name}${value === '' ? '' : ` ${value}`}`;
  });
  const width = Math.max(...names.map((name) => name.length));
  const lines = Object.values(table).map(({ help, default: fallback }, i) => {
    const shown = typeof fallback === 'string' ? ` (${fallback})` : '';
    return `  ${names[i]?.padEnd(width)}  ${help}${shown}`;
  });
  const head = `Usage: ${program} [options] ${operands}`.trimEnd();
  const manual = `More in the manual: man ${program}`;
  return [head, summary, lines.join('\n'), ...(notes === undefined ? [] : [notes]), manual].join('\n\n');
}
