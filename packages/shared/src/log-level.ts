/**
 * The words of the configuration about logging; apart from `log.ts`, so that reading it does not load pino.
 *
 * @module
 */
export const LOG_LEVELS = ['error', 'warn', 'info', 'debug', 'dbdet'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
/** The severities of RFC 3164, which syslog and the journal know. */
export const SEVERITIES: Readonly<Record<LogLevel, number>> = {
  error: 3,
  warn: 4,
  info: 6,
  debug: 7,
  dbdet: 7,
};
export const LOG_FORMATS = ['auto', 'text', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** The level `steps` more talkative than `level`, as each `-v` asks. */
export function raiseLevel(level: LogLevel, steps: number): LogLevel {
  const index = Math.min(LOG_LEVELS.indexOf(level) + steps, LOG_LEVELS.length - 1);
  return LOG_LEVELS[index] ?? level;
}
