import { execFile } from 'node:child_process';

export interface RunOptions {
  /** Text for standard input. */
  readonly input?: string;
  readonly timeoutMs?: number;
}

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024; // a table of 100,000 rules as text fits
/** Of what a failing program said. */
const MAX_REPORTED_CHARS = 4000;

/**
 * Runs a program to its end.
 *
 * @returns Its standard output.
 * @throws When it ends with another status than 0; the message carries the command and its standard error.
 */
export function run(
  argv: readonly string[],
  { input = '', timeoutMs = 10_000 }: RunOptions = {},
): Promise<string> {
  const [program = '', ...args] = argv;
  const options = { timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: MAX_OUTPUT_BYTES } as const;
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      const reason = error.killed ? `killed after ${timeoutMs} ms` : `status ${error.code}`;
      reject(
        new Error(`${argv.join(' ')}: ${reason}\n${stderr.slice(0, MAX_REPORTED_CHARS)}`.trimEnd(), {
          cause: error,
        }),
      );
    });
    child.stdin?.on('error', () => undefined); // EPIPE: it ended without reading all; its status tells why
    child.stdin?.end(input);
  });
}
