import { fstatSync, writeFileSync } from 'node:fs';
import type { Printed } from './command-line.js';
import { joinWatchdog, type WatchdogLink } from './daemon/watchdog-link.js';
import type { LogSink } from './log.js';
import type { ServiceManager } from './service-manager.js';

/** Process exit statuses of both daemons; part of the public contract. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

export type Signal = 'SIGHUP' | 'SIGINT' | 'SIGTERM' | 'SIGUSR1' | 'SIGUSR2';

/** What a program takes from its process, so that a test can be one. */
export interface Host {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: LogSink;
  onSignal(signal: Signal, handler: () => void): void;
  /** The parent of a program that runs as a daemon; absent in the foreground. */
  readonly watchdog?: WatchdogLink | undefined;
  /** For whoever stays: the service manager that waits for word, where one does. */
  joinServiceManager?(): Promise<ServiceManager | undefined>;
}

/** Prints what a command line asked for, or what is wrong with it. @returns The exit status. */
export function answerCommandLine(program: string, { print, isError }: Printed, host: Host): number {
  if (isError) host.stderr.write(`${program}: ${print} (see --help)\n`);
  else host.stdout.write(`${print}\n`);
  return isError ? EXIT.usage : EXIT.ok;
}

/**
 * The process itself, under the program's name. Whoever reads its output may go away: what is written then is lost, but
 * the process goes on, for a daemon must not end with its log collector.
 */
export function openProcessHost(program: string): Host {
  const { stdout, stderr } = process;
  for (const stream of [stdout, stderr]) stream.on('error', () => undefined);
  nameProcess(program);
  refuseDebugger();
  process.on('SIGUSR2', () => undefined); // who has no use for it shall not die of it
  const onSignal = (signal: Signal, handler: () => void): void => void process.on(signal, handler);
  const errors = leadsToJournal(stderr.fd) ? journalErrors(stderr) : stderr;
  return { stdout, stderr: errors, onSignal, watchdog: joinWatchdog(), joinServiceManager };
}

/** Whether a descriptor is the journal's end of systemd, as JOURNAL_STREAM tells (systemd.exec(5)). */
function leadsToJournal(fd: number): boolean {
  const { JOURNAL_STREAM: stream } = process.env;
  if (!stream) return false;
  // not with numbers: after a pipe's, realpathSync of Node 20 takes links for folders, and no module is found any more
  const { dev, ino } = fstatSync(fd, { bigint: true });
  return stream === `${dev}:${ino}`;
}

/** Standard error where the journal reads it. What is no line of a log is what keeps a program from its work, or a warning. */
function journalErrors(stderr: NodeJS.WriteStream): LogSink {
  const withSeverity = (line: string): string => `<${/\bwarning: /.test(line) ? 4 : 3}>${line}`;
  return {
    isJournal: true,
    write: (text) => stderr.write(text.replace(/^(?!<\d>).+$/gm, withSeverity)),
  };
}

async function joinServiceManager(): Promise<ServiceManager | undefined> {
  if (process.env.NOTIFY_SOCKET === undefined) return undefined;
  return (await import('./service-manager.js')).ServiceManager.join();
}

/** SIGUSR1, which is for the log file here, would make Node listen for a debugger as long as nobody else takes it. */
export function refuseDebugger(): void {
  process.on('SIGUSR1', () => undefined);
}

/** What `pgrep`, `killall` and `ps -C` know this process by, instead of `node`; its arguments stay as they are. */
export function nameProcess(program: string): void {
  try {
    writeFileSync('/proc/self/comm', program);
  } catch {
    // a name less, and nothing else
  }
}
