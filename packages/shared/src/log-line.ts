/**
 * Log lines: the JSON that pino writes, and what people read. Apart from `log.ts`, so that the watchdog need not load pino.
 *
 * @module
 */
import { type LogFormat, type LogLevel, SEVERITIES } from './log-level.js';

/** A log line, taken apart. */
export interface LogEntry {
  readonly level: LogLevel;
  readonly time: Date;
  /** The message with its fields: `real offline virtual=web real=w1`. */
  readonly text: string;
}

const LEVEL_NAMES: ReadonlyMap<unknown, LogLevel> = new Map([
  [60, 'error'],
  [50, 'error'],
  [40, 'warn'],
  [30, 'info'],
  [20, 'debug'],
  [15, 'dbdet'],
]);

/** Takes one JSON line apart. */
export function parseLogLine(json: string): LogEntry {
  const { level, time, msg, program: _program, pid: _pid, err, ...fields } = JSON.parse(json);
  const pairs = Object.entries(fields).map(([key, value]) => ` ${key}=${readableValue(value)}`);
  const cause = err ? ` error=${readableValue(err.message)}` : '';
  return {
    level: LEVEL_NAMES.get(level) ?? level,
    time: new Date(time),
    text: `${msg ?? ''}${pairs.join('')}${cause}`,
  };
}

/** One JSON line as a line for people, with its newline. */
export function readableLine(json: string): string {
  const { level, time, text } = parseLogLine(json);
  return `${localTime(time)} ${level.padEnd(5)} ${text}\n`;
}

/**
 * The same for the journal of systemd, which takes the severity from the head of a line (sd-daemon(3)) and keeps the time
 * itself: `auto` is without both.
 */
export function journalLine(json: string, format: LogFormat): string {
  const { level, text } = parseLogLine(json);
  const line = { auto: `${text}\n`, text: readableLine(json), json }[format];
  return `<${SEVERITIES[level]}>${line}`;
}

/** A JSON line as pino writes it, for those who have no logger. */
export function writeLogLine(
  program: string,
  level: LogLevel,
  fields: Readonly<Record<string, unknown>>,
  msg: string,
): string {
  const time = new Date().toISOString();
  return `${JSON.stringify({ level, time, program, pid: process.pid, ...fields, msg })}\n`;
}

/** `2026-11-20 10:06:37.032` in local time. */
export function localTime(time: Date): string {
  const local = new Date(time.getTime() - time.getTimezoneOffset() * 60_000);
  return local.toISOString().replace('T', ' ').replace('Z', '');
}

function readableValue(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /^[^\s"\p{Cc}]+$/u.test(text) ? text : JSON.stringify(text);
}
