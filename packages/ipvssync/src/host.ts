export type Signal = 'SIGHUP' | 'SIGINT' | 'SIGTERM';

/** What the program takes from its process. */
export interface Host {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean };
  onSignal(signal: Signal, handler: () => void): void;
}
