import { FLAG, type OptionTable, type Printed, parseCommandLine } from '@surealived/shared/command-line';

/** What the command line asks for. */
export interface Options {
  readonly config: string;
  /** The services file. */
  readonly services: string;
  readonly testConfig: boolean;
  /** Whether warnings are errors. */
  readonly strict: boolean;
  /** How many times -v was given. */
  readonly verbosity: number;
  readonly noSync: boolean;
}

/** Every option with its help; short ones are the original's. */
const OPTIONS = {
  'test-config': { ...FLAG, short: 't', help: 'check both files, and exit' },
  strict: { ...FLAG, help: 'take warnings for errors' },
  'no-dumpfile': { ...FLAG, short: 'k', help: 'accepted: this version has no offline.dump' },
  'no-sync': { ...FLAG, short: 'n', help: 'write no snapshots' },
} as const satisfies OptionTable;

/** Reads the arguments; `version` is what -V prints. */
export function parseArguments(argv: readonly string[], version: string): { options: Options } | Printed {
  const commandLine = {
    program: 'surealived',
    operands: '<services.xml>',
    summary: 'Tests real servers and hands their state to ipvssync.',
    options: OPTIONS,
  };
  const parsed = parseCommandLine(commandLine, argv, version);
  if ('print' in parsed) return parsed;
  const { values, operands, verbosity } = parsed;
  const [services] = operands;
  if (services === undefined || operands.length > 1) {
    return { print: `expected one services file, got ${operands.length}`, isError: true };
  }
  const { config, strict } = values;
  const [testConfig, noSync] = [values['test-config'], values['no-sync']];
  return { options: { config, services, testConfig, strict, verbosity, noSync } };
}
