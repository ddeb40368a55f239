/**
 * Logging with pino, under the original's level names: error, warn, info, debug, dbdet.
 *
 * Messages are fixed phrases; what varies stands in fields. On a terminal (or with format `text`) a line reads
 * `2026-11-20 10:06:37.032 info  real offline virtual=web real=w1 reason=refused`, in the journal the same without time
 * and level, since the journal keeps both itself; otherwise it is JSON.
 *
 * @module
 */
import pino from 'pino';
import type { LogFormat, LogLevel } from './log-level.js';
import { journalLine, readableLine } from './log-line.js';

export { LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel, raiseLevel } from './log-level.js';

export type Logger = pino.Logger<'dbdet'>;

/** What a log goes to; `process.stderr` fits. */
export interface LogSink {
  write(line: string): unknown;
  readonly isTTY?: boolean;
  /** Whether the journal of systemd reads it. */
  readonly isJournal?: boolean;
}

export interface LogOptions {
  readonly level: LogLevel;
  readonly format?: LogFormat;
  readonly sink?: LogSink;
}

const DBDET_VALUE = 15;

export function createLogger(
  program: string,
  { level, format = 'auto', sink = process.stderr }: LogOptions,
): Logger {
  const rewrite = rewriterOf(format, sink);
  const destination = rewrite ? { write: (line: string) => sink.write(rewrite(line)) } : sink;
  return pino(
    {
      level,
      customLevels: { dbdet: DBDET_VALUE },
      base: { program, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label === 'fatal' ? 'error' : label }) },
    },
    destination as pino.DestinationStream,
  );
}

/** What makes of a JSON line what is read there. */
function rewriterOf(
  format: LogFormat,
  { isTTY, isJournal }: LogSink,
): ((json: string) => string) | undefined {
  if (isJournal) return (json) => journalLine(json, format);
  return format === 'text' || (format === 'auto' && isTTY) ? readableLine : undefined;
}
