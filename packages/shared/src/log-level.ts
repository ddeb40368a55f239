/**
 * The words of the configuration about logging; apart from `log.ts`, so that reading it does not load pino.
 *
 * @module
 */
export const LOG_LEVELS = ['error', 'warn', 'info', 'debug', 'dbdet'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export const LOG_FORMATS = ['auto', 'text', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];
