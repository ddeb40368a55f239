/**
 * Logging with pino, under the original's level names: error, warn, info, debug, dbdet.
 *
 * Messages are fixed phrases; what varies stands in fields. On a terminal (or with format `text`) a line reads
 * `2026-11-20 10:06:37.032 info  real offline virtual=web real=w1 reason=refused`, otherwise it is JSON.
 *
 * @module
 */
import pino from 'pino';
import { LOG_LEVELS, type LogFormat, type LogLevel } from './log-level.js';

export { LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel } from './log-level.js';

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
const LEVEL_NAMES: ReadonlyMap<number, LogLevel> = new Map([
  [60, 'error'],
  [50, 'error'],
  [40, 'warn'],
  [30, 'info'],
  [20, 'debug'],
  [DBDET_VALUE, 'dbdet'],
]);

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

/** The level `steps` more talkative than `level`, as each `-v` asks. */
export function raiseLevel(level: LogLevel, steps: number): LogLevel {
  const index = Math.min(LOG_LEVELS.indexOf(level) + steps, LOG_LEVELS.length - 1);
  return LOG_LEVELS[index] ?? level;
}

/** One JSON line of pino as a line for people, with its newline. */
export function readableLine(json: string): string {
  const { level, time, msg, program: _program, pid: _pid, err, ...fields } = JSON.parse(json);
  const name = typeof level === 'number' ? (LEVEL_NAMES.get(level) ?? String(level)) : String(level);
  const pairs = Object.entries(fields).map(([key, value]) => ` ${key}=${readableValue(value)}`);
  const cause = err ? ` error=${readableValue(err.message)}` : '';
  return `${localTime(new Date(time))} ${name.padEnd(5)} ${msg ?? ''}${pairs.join('')}${cause}\n`;
}

function readableValue(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /^[^\s"\p{Cc}]+$/u.test(text) ? text : JSON.stringify(text);
}

function localTime(time: Date): string {
  const local = new Date(time.getTime() - time.getTimezoneOffset() * 60_000);
  return local.toISOString().replace('T', ' ').replace('Z', '');
}
