import { EXIT } from './failure.js';

/** What sdctl takes from its process, so that a test can be one. */
export interface Terminal {
  readonly stdout: {
    write(text: string): unknown;
    readonly isTTY?: boolean;
    readonly columns?: number;
    readonly rows?: number;
  };
  readonly stderr: { write(text: string): unknown };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted when the user wants to end a live view, or nobody reads it any more. */
  untilQuit(): { readonly signal: AbortSignal; [Symbol.dispose](): void };
}

const QUIT_KEYS: readonly string[] = ['q', 'Q', '\x03'];

/**
 * The process itself. Whoever reads its output may go away, as `head` does: what is written then is lost. Output that a
 * full disk does not take ends the process as a failure.
 */
export function openTerminal(): Terminal {
  const { stdin, stdout, stderr, env } = process;
  stderr.on('error', () => undefined);
  stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE') return;
    stderr.write(`sdctl: cannot write: ${code}\n`);
    process.exit(EXIT.failed);
  });
  return {
    stdout,
    stderr,
    env,
    untilQuit() {
      const controller = new AbortController();
      const quit = (): void => controller.abort();
      const onKey = (keys: Buffer): void => {
        if ([...keys.toString()].some((key) => QUIT_KEYS.includes(key))) quit();
      };
      const isInteractive = stdin.isTTY && stdout.isTTY;
      if (isInteractive) stdin.setRawMode(true).on('data', onKey).resume();
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, quit);
      stdout.on('error', quit);
      return {
        signal: controller.signal,
        [Symbol.dispose]() {
          if (isInteractive) stdin.setRawMode(false).off('data', onKey).pause();
          for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, quit);
          stdout.off('error', quit);
        },
      };
    },
  };
}

/** Whether output may be coloured: on a terminal that can, and whose user does not mind (no-color.org). */
export function wantsColour({ stdout, env }: Terminal): boolean {
  return stdout.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
}
