/**
 * Logging with pino, under the original's level names: error, warn, info, debug, dbdet.
 *
 * Messages are fixed phrases; what varies stands in fields. On a terminal (or with format `text`) a line reads
 * `2026-11-20 10:06:37.032 info  real offline virtual=web real=w1 reason=refused`, otherwise it is JSON.
 *
 * @module
 */
import pino from 'pino';
import type { LogFormat, LogLevel } from './log-level.js';
import { readableLine } from './log-line.js';

export { LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel, raiseLevel } from './log-level.js';

export type Logger = pino.Logger<'dbdet'>;

/** What a log goes to; `process.stderr` fits. */
export interface LogSink {
  write(line: string): unknown;
  readonly isTTY?: boolean;
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
  const asText = format === 'text' || (format === 'auto' && sink.isTTY === true);
  const destination = asText ? { write: (line: string) => sink.write(readableLine(line)) } : sink;
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
