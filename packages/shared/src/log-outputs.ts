/**
 * Where the log of a daemon without a terminal goes: to a file, to syslog, or to both. Loads little, for the watchdog
 * uses it too.
 *
 * @module
 */
import { LogFile } from './log-file.js';
import type { LogFormat, LogLevel } from './log-level.js';
import { localTime, parseLogLine, readableLine, writeLogLine } from './log-line.js';
import type { SurealivedConfig } from './surealived-cfg.js';
import type { Syslog } from './syslog.js';

/** What surealived.cfg says about the log of one program; plain data, to be handed from process to process. */
export interface LogSettings {
  readonly program: string;
  readonly level: LogLevel;
  readonly format: LogFormat;
  readonly file: string | undefined;
  readonly syslog: { readonly socket: string; readonly withTime: boolean } | undefined;
}

/** @param file The log file of the program; `stderr` is none, for a daemon's is closed. */
export function logSettings(
  program: string,
  { file, level }: { readonly file: string; readonly level: LogLevel },
  config: SurealivedConfig,
): LogSettings {
  return {
    program,
    level,
    format: config.log_format,
    file: config.use_log && file !== 'stderr' ? file : undefined,
    syslog: config.use_syslog
      ? { socket: config.syslog_socket, withTime: config.use_tm_in_syslog }
      : undefined,
  };
}

/** Takes JSON lines, and writes them in the form that is read there: text, unless JSON is asked for. */
export class LogOutputs {
  readonly #settings: LogSettings;
  readonly #file: LogFile | undefined;
  readonly #syslog: Syslog | undefined;

  private constructor(settings: LogSettings, file: LogFile | undefined, syslog: Syslog | undefined) {
    this.#settings = settings;
    this.#file = file;
    this.#syslog = syslog;
  }

  /** Opens what the settings ask for. What cannot be had is tried again with each line. */
  static async open(settings: LogSettings): Promise<LogOutputs> {
    const { program, file, syslog, format } = settings;
    const describeLoss = (lines: number): string => {
      const json = writeLogLine(program, 'warn', { lines }, 'log lines lost');
      return format === 'json' ? json : readableLine(json);
    };
    const logFile = file === undefined ? undefined : new LogFile(file, describeLoss);
    if (logFile) process.once('exit', () => logFile.flushSync());
    if (!syslog) return new LogOutputs(settings, logFile, undefined);
    const { Syslog } = await import('./syslog.js');
    const tag = `${program}[${process.pid}]`;
    return new LogOutputs(settings, logFile, new Syslog(syslog.socket, tag));
  }

  /** Why lines are lost now, one reason each. */
  get problems(): readonly string[] {
    const { program, syslog } = this.#settings;
    const problems: string[] = [];
    if (this.#file?.problem !== undefined) problems.push(`${program}: log file: ${this.#file.problem}`);
    if (this.#syslog?.isThere === false) problems.push(`${program}: no syslog at ${syslog?.socket}`);
    return problems;
  }

  write(json: string): void {
    const asJson = this.#settings.format === 'json';
    if (this.#syslog) {
      const { level, time, text } = parseLogLine(json);
      const stamp = this.#settings.syslog?.withTime ? `${localTime(time)} ` : '';
      this.#syslog.send(level, time, asJson ? json.trimEnd() : `${stamp}${text}`);
    }
    this.#file?.write(asJson ? json : readableLine(json));
  }

  /** Opens the log file anew, which a rotation has renamed; what still works is told where that fails. */
  reopen(): void {
    const { program, file } = this.#settings;
    this.#file?.reopen((cause) =>
      this.write(writeLogLine(program, 'error', { file, cause }, 'log file cannot be opened anew')),
    );
  }
}
