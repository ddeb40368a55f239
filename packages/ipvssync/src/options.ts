/**
 * The command line. Declared as a table that `node:util` parses: it is there at no cost, while an option library would
 * take a quarter of the time in which the whole table is restored after a reboot.
 *
 * @module
 */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { DEFAULT_CONFIG_PATH } from '@surealived/shared/surealived-cfg';
import { type Backend, parseBackend } from './backend.js';

/** What the command line asks for. */
export interface Options {
  readonly config: string;
  /** How many times -v was given. */
  readonly verbosity: number;
  readonly mode: 'follow' | 'test' | 'once' | 'plan';
  readonly deleteUnmanaged: boolean;
  readonly keepDiffs: boolean;
  readonly backend: Backend;
}

/** The options, or what to print instead of running, with whether that is an error of the user. */
export type ParsedArguments =
  | { readonly options: Options }
  | { readonly print: string; readonly isError: boolean };

const FLAG = { type: 'boolean', default: false } as const;

/** Every option with its help; short ones are the original's. */
const OPTIONS = {
  config: { type: 'string', short: 'c', default: DEFAULT_CONFIG_PATH, help: 'configuration file' },
  'test-config': { ...FLAG, short: 't', help: 'check configuration and full snapshot, and exit' },
  plan: { ...FLAG, help: 'print what would change, and exit' },
  once: { ...FLAG, help: 'synchronise, print what was done, and exit' },
  table: { type: 'string', default: 'kernel', help: 'table to write: kernel, memory or memory:PATH' },
  'del-unmanaged': { ...FLAG, short: 'u', help: 'delete services that are not in the snapshot' },
  'del-umanaged': { ...FLAG, help: 'the same, as the original spelt it' },
  'keep-diffs': { ...FLAG, short: 'k', help: 'do not remove consumed diff files' },
  verbose: { type: 'boolean', short: 'v', multiple: true, help: 'log more; may be repeated' },
  help: { ...FLAG, short: 'h', help: 'print this' },
  version: { ...FLAG, short: 'V', help: 'print the version' },
} as const satisfies Record<string, NonNullable<ParseArgsConfig['options']>[string] & { help: string }>;

/** Reads the arguments; `version` is what -V prints. */
export function parseArguments(argv: readonly string[], version: string): ParsedArguments {
  try {
    const { values } = parseArgs({ args: [...argv], options: OPTIONS, strict: true });
    if (values.help) return { print: describeUsage(), isError: false };
    if (values.version) return { print: version, isError: false };
    return interpret(values);
  } catch (error) {
    if (!(error instanceof TypeError && 'code' in error)) throw error;
    return { print: error.message, isError: true };
  }
}

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'];

function interpret(values: Values): ParsedArguments {
  const backend = parseBackend(values.table);
  if (!backend) {
    const print = `--table: expected kernel, memory or memory:PATH, got "${values.table}"`;
    return { print, isError: true };
  }
  const modes = (['test-config', 'plan', 'once'] as const).filter((name) => values[name]);
  if (modes.length > 1) return { print: `--${modes.join(' and --')} exclude each other`, isError: true };
  const mode = modes[0] === 'test-config' ? 'test' : (modes[0] ?? 'follow');
  return {
    options: {
      config: values.config,
      verbosity: values.verbose?.length ?? 0,
      mode,
      deleteUnmanaged: values['del-unmanaged'] || values['del-umanaged'],
      keepDiffs: values['keep-diffs'],
      backend,
    },
  };
}

function describeUsage(): string {
  const lines = Object.entries(OPTIONS).map(([name, option]) => {
    const short = 'short' in option ? `-${option.short},` : '   ';
    const value = option.type === 'string' ? ` <${option.default}>` : '';
    return `  ${short} --${(name + value).padEnd(44)} ${option.help}`;
  });
  return `Usage: ipvssync [options]\n\nKeeps the IPVS table in step with what surealived hands over.\n\n${lines.join('\n')}`;
}
