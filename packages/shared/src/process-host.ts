import { readFileSync } from 'node:fs';
import type { Printed } from './command-line.js';

/** Process exit statuses of both daemons; part of the public contract. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

export type Signal = 'SIGHUP' | 'SIGINT' | 'SIGTERM';

/** What a program takes from its process, so that a test can be one. */
export interface Host {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean };
  onSignal(signal: Signal, handler: () => void): void;
}

/** Prints what a command line asked for, or what is wrong with it. @returns The exit status. */
export function answerCommandLine(program: string, { print, isError }: Printed, host: Host): number {
  if (isError) host.stderr.write(`${program}: ${print} (see --help)\n`);
  else host.stdout.write(`${print}\n`);
  return isError ? EXIT.usage : EXIT.ok;
}

/** The version that a package.json gives. */
export function readVersion(manifest: URL): string {
  return String(JSON.parse(readFileSync(manifest, 'utf8')).version);
}

/**
 * The process itself. Whoever reads its output may go away: what is written then is lost, but the process goes on, for a
 * daemon must not end with its log collector.
 */
export function openProcessHost(): Host {
  const { stdout, stderr } = process;
  for (const stream of [stdout, stderr]) stream.on('error', () => undefined);
  return { stdout, stderr, onSignal: (signal, handler) => void process.on(signal, handler) };
}
