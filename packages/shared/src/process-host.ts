/** Process exit statuses of both daemons; part of the public contract. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

export type Signal = 'SIGHUP' | 'SIGINT' | 'SIGTERM';

/** What a program takes from its process, so that a test can be one. */
export interface Host {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean };
  onSignal(signal: Signal, handler: () => void): void;
}

export const processHost: Host = {
  stdout: process.stdout,
  stderr: process.stderr,
  onSignal: (signal, handler) => void process.on(signal, handler),
};
