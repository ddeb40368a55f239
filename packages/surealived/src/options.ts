import {
  absoluteOrEmpty,
  DAEMON_OPTIONS,
  FLAG,
  LOG_OPTIONS,
  type OptionTable,
  type Printed,
  parseCommandLine,
} from '@surealived/shared/command-line';

/** What the command line asks for. */
export interface Options {
  readonly config: string;
  /** The services file. */
  readonly services: string;
  /** Whether to check the files only. */
  readonly testConfig: boolean;
  /** Whether to check also that the hand-over can be written. */
  readonly testStart: boolean;
  /** Whether warnings are errors. */
  readonly strict: boolean;
  /** How many times -v was given. */
  readonly verbosity: number;
  readonly noSync: boolean;
  readonly noDumpFile: boolean;
  readonly daemonize: boolean;
  /** Absolute; empty where the configuration decides. */
  readonly pidFile: string;
  /** What the process gets that a watchdog starts. */
  readonly childArguments: readonly string[];
}

/** Every option with its help; short ones are the original's. */
const OPTIONS = {
  'test-config': { ...FLAG, short: 't', help: 'check both files, and exit' },
  'test-start': { ...FLAG, help: 'check also that the hand-over can be written, and exit' },
  strict: { ...FLAG, help: 'take warnings for errors' },
  'no-dumpfile': { ...FLAG, short: 'k', help: 'neither load nor write offline.dump' },
  'no-sync': { ...FLAG, short: 'n', help: 'write no snapshots' },
  ...DAEMON_OPTIONS,
  ...LOG_OPTIONS,
} as const satisfies OptionTable;

const NOTES = `Signals: HUP reads both files anew, USR1 opens the log file anew, TERM and INT end it.
With -d they go to the watchdog, where TERM starts the tester again and INT ends both.`;

export const COMMAND_LINE = {
  program: 'surealived',
  operands: '<services.xml>',
  summary: 'Tests real servers and hands their state to ipvssync.',
  options: OPTIONS,
  notes: NOTES,
} as const;

/** Reads the arguments; `version` is what -V prints. */
export function parseArguments(argv: readonly string[], version: string): { options: Options } | Printed {
  const parsed = parseCommandLine(COMMAND_LINE, argv, version);
  if ('print' in parsed) return parsed;
  const { values, operands, verbosity, childArguments } = parsed;
  const [services] = operands;
  if (services === undefined || operands.length > 1) {
    return { print: `expected one services file, got ${operands.length}`, isError: true };
  }
  const { config, strict, daemonize } = values;
  const [testStart, noSync] = [values['test-start'], values['no-sync']];
  const pidFile = absoluteOrEmpty(values['pid-file']);
  return {
    options: {
      config,
      services,
      testConfig: testStart || values['test-config'],
      testStart,
      strict,
      verbosity,
      noSync,
      noDumpFile: values['no-dumpfile'],
      daemonize,
      pidFile,
      childArguments,
    },
  };
}
