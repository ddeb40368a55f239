/**
 * The command line. Declared as a table that `node:util` parses: it is there at no cost, while an option library would
 * take a quarter of the time in which the whole table is restored after a reboot.
 *
 * @module
 */
import { resolve } from 'node:path';
import {
  absoluteOrEmpty,
  DAEMON_OPTIONS,
  FLAG,
  LOG_OPTIONS,
  type OptionTable,
  type Printed,
  parseCommandLine,
} from '@surealived/shared/command-line';
import { isOneOf } from '@surealived/shared/model';
import { parseLimit, SYNC_ROLES, type SyncRole } from '@surealived/shared/surealived-cfg';
import { type Backend, parseBackend } from '../backend/backend.js';

/** What the command line asks for. */
export interface Options {
  readonly config: string;
  /** How many times -v was given. */
  readonly verbosity: number;
  readonly mode: 'follow' | 'test' | 'once' | 'plan' | 'role' | 'status';
  /** With mode `role`, the one to switch to. */
  readonly role: SyncRole | undefined;
  readonly deleteUnmanaged: boolean;
  /** `undefined` where the configuration decides. */
  readonly maxDeletes: number | undefined;
  /** Whether deletions are made however many they are. */
  readonly isForced: boolean;
  /** Whether a snapshot without any virtual is taken. */
  readonly allowEmpty: boolean;
  /** Whether a first snapshot that is not there, or is refused, is waited for. */
  readonly wait: boolean;
  readonly json: boolean;
  readonly keepDiffs: boolean;
  readonly backend: Backend;
  readonly daemonize: boolean;
  /** Absolute; empty where the configuration decides. */
  readonly pidFile: string;
  /** What the process gets that a watchdog starts. */
  readonly childArguments: readonly string[];
}

/** Every option with its help; short ones are the original's. */
const OPTIONS = {
  'test-config': { ...FLAG, short: 't', help: 'check configuration and full snapshot, and exit' },
  plan: { ...FLAG, help: 'print what would change, and exit' },
  once: { ...FLAG, help: 'synchronise, print what was done, and exit' },
  status: { ...FLAG, help: 'print how the ipvssync that follows fares, and exit' },
  role: {
    type: 'string',
    value: 'ROLE',
    help: `switch the connection sync daemons to ROLE, and exit: ${SYNC_ROLES.join(', ')}`,
  },
  table: {
    type: 'string',
    default: 'kernel',
    value: 'TABLE',
    toAbsolute: (table) => table.replace(/^memory:(.+)$/s, (_, file: string) => `memory:${resolve(file)}`),
    help: 'table to write: kernel, memory or memory:PATH',
  },
  netns: {
    type: 'string',
    value: 'NAME|PATH',
    toAbsolute: (netns) => (netns.includes('/') ? resolve(netns) : netns),
    help: 'network namespace whose IPVS table is written: a name of "ip netns", or a path',
  },
  'del-unmanaged': { ...FLAG, short: 'u', help: 'delete services that are not in the snapshot' },
  'del-umanaged': { ...FLAG, help: 'the same, as the original spelt it' },
  'max-deletes': {
    type: 'string',
    value: 'N',
    help: 'services and reals that may be deleted at a time, instead of max_deletes; none for any number',
  },
  force: { ...FLAG, help: 'with --once: delete even more than that' },
  'allow-empty': { ...FLAG, help: 'take a snapshot that has no virtual at all' },
  wait: { ...FLAG, help: 'start without a snapshot that can be followed, and wait for one' },
  json: { ...FLAG, help: 'with --plan and --status: print one JSON document' },
  'keep-diffs': { ...FLAG, short: 'k', help: 'do not remove consumed diff files' },
  ...DAEMON_OPTIONS,
  ...LOG_OPTIONS,
} as const satisfies OptionTable;

const NOTES = `Signals: HUP reads everything anew and makes deletions that were held back, USR1 opens the log file anew,
USR2 reads the table back and repairs it, TERM and INT end it and leave the table as it is. With -d they go to the
watchdog, which ends together with its child.`;

export const COMMAND_LINE = {
  program: 'ipvssync',
  operands: '',
  summary: 'Keeps the IPVS table in step with what surealived hands over.',
  options: OPTIONS,
  notes: NOTES,
} as const;

/** Reads the arguments; `version` is what -V prints. */
export function parseArguments(argv: readonly string[], version: string): { options: Options } | Printed {
  const parsed = parseCommandLine(COMMAND_LINE, argv, version);
  if ('print' in parsed) return parsed;
  const { values, operands, verbosity, childArguments } = parsed;
  if (operands.length > 0) return { print: `unexpected argument "${operands[0]}"`, isError: true };
  const backend = parseBackend(values.table);
  if (!backend) {
    const print = `--table: expected kernel, memory or memory:PATH, got "${values.table}"`;
    return { print, isError: true };
  }
  const { role } = values;
  if (role !== undefined && !isOneOf(SYNC_ROLES, role))
    return { print: `--role: expected ${SYNC_ROLES.join(', ')}, got "${role}"`, isError: true };
  const { netns } = values;
  if (netns !== undefined && backend.kind !== 'kernel')
    return { print: '--netns goes with the table of the kernel alone', isError: true };
  if (netns === '') return { print: '--netns: expected a name or a path, got ""', isError: true };
  const modes = (['test-config', 'plan', 'once', 'status', 'role'] as const).filter((name) => values[name]);
  if (modes.length > 1) return { print: `--${modes.join(' and --')} exclude each other`, isError: true };
  const { daemonize } = values;
  if (daemonize && (values.plan || values.once || values.status || role))
    return { print: '--daemonize excludes --plan, --once, --status and --role', isError: true };
  if (values.force && !values.once) return { print: '--force goes with --once alone', isError: true };
  if (values.wait && modes.some((name) => name !== 'test-config'))
    return { print: '--wait goes with following and --test-config alone', isError: true };
  if (values.json && !values.plan && !values.status)
    return { print: '--json goes with --plan and --status alone', isError: true };
  const maxText = values['max-deletes'];
  const maxDeletes = maxText === undefined ? undefined : parseLimit(maxText);
  if (maxText !== undefined && maxDeletes === undefined)
    return { print: `--max-deletes: expected none or a number, got "${maxText}"`, isError: true };
  const mode = modes[0] === 'test-config' ? 'test' : (modes[0] ?? 'follow');
  return {
    options: {
      config: values.config,
      verbosity,
      mode,
      role,
      deleteUnmanaged: values['del-unmanaged'] || values['del-umanaged'],
      maxDeletes,
      isForced: values.force,
      allowEmpty: values['allow-empty'],
      wait: values.wait,
      json: values.json,
      keepDiffs: values['keep-diffs'],
      backend: netns === undefined ? backend : { kind: 'kernel', netns },
      daemonize,
      pidFile: absoluteOrEmpty(values['pid-file']),
      childArguments,
    },
  };
}
