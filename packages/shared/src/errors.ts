/** Every deliberate failure, with what an operator should understand by it. Codes are never reused. */
export const ERROR_CODES = {
  SA_CONFIG_INVALID:
    'A configuration file cannot be used; each line names file, place and what was expected.',
  SA_MODULE_INVALID:
    'A module of testers cannot be used; each line names the file and what is wrong with it.',
  SA_SNAPSHOT_INVALID: 'A snapshot cannot be used; the last good table stays in force.',
  SA_HANDOVER_MISSING: 'A hand-over file is not there: surealived has not run yet, or the paths differ.',
  SA_LOCK_TIMEOUT: 'The hand-over lock was held by another process for too long.',
  SA_HANDOVER_TAKEN: 'Another surealived writes the same hand-over files.',
  SA_TABLE_TAKEN: 'Another ipvssync writes the same table.',
  SA_ALREADY_RUNNING: 'The pid file names a process of this program that lives.',
  SA_STATUS_UNAVAILABLE: 'No ipvssync answered on the status socket.',
  SA_SYSTEM_CALL: 'The kernel refused a system call; the message names the call and the errno.',
  SA_TLS_UNAVAILABLE:
    'TLS cannot be had: this Node does not offer its OpenSSL, or OpenSSL refuses the settings.',
  SA_CERTIFICATE_INVALID: 'A file with trusted certificates cannot be used.',
  SA_KERNEL_UNAVAILABLE: 'The kernel has no IPVS, or this process may not use it.',
  SA_KERNEL_REFUSED: 'The kernel answered an IPVS request with an errno.',
  SA_KERNEL_PROTOCOL:
    'The answer of the kernel was malformed, lost or late; the table is read again before the next write.',
} as const;
export type ErrorCode = keyof typeof ERROR_CODES;

/** Root of every error thrown on purpose; anything else that reaches the top is a bug. */
export abstract class SureAliveError extends Error {
  abstract readonly code: ErrorCode;
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** One thing that is wrong with a text: where (1-based), and what was expected. */
export interface Problem {
  readonly file: string;
  /** 0 when the problem is the file itself. */
  readonly line: number;
  readonly column?: number;
  readonly message: string;
}

/** `file:line:column: message`, with the parts that are known. */
export function describeProblem({ file, line, column, message }: Problem): string {
  if (line === 0) return `${file}: ${message}`;
  return column === undefined ? `${file}:${line}: ${message}` : `${file}:${line}:${column}: ${message}`;
}

/** The problem marked as one that does not keep the text from being used. */
export function asWarning({ message, ...place }: Problem): Problem {
  return { ...place, message: `warning: ${message}` };
}

/** Errors with the warnings that they would hide, marked as such, in the order of the file. */
export function besideErrors(errors: readonly Problem[], warnings: readonly Problem[]): readonly Problem[] {
  return [...errors, ...warnings.map(asWarning)].sort(
    (a, b) => a.line - b.line || (a.column ?? 0) - (b.column ?? 0),
  );
}

/** A text that cannot be used, with all of its problems, one to a line of the message. */
export abstract class InvalidTextError extends SureAliveError {
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[]) {
    super(problems.map(describeProblem).join('\n'));
    this.problems = problems;
  }
}

export class ConfigError extends InvalidTextError {
  override readonly code = 'SA_CONFIG_INVALID';
}

export class ModuleError extends InvalidTextError {
  override readonly code = 'SA_MODULE_INVALID';
}

export class SnapshotError extends InvalidTextError {
  override readonly code = 'SA_SNAPSHOT_INVALID';
}

export class HandoverMissingError extends SureAliveError {
  override readonly code = 'SA_HANDOVER_MISSING';
}

export class HandoverTakenError extends SureAliveError {
  override readonly code = 'SA_HANDOVER_TAKEN';
}

export class TableTakenError extends SureAliveError {
  override readonly code = 'SA_TABLE_TAKEN';
}

export class LockTimeoutError extends SureAliveError {
  override readonly code = 'SA_LOCK_TIMEOUT';
}

export class TlsUnavailableError extends SureAliveError {
  override readonly code = 'SA_TLS_UNAVAILABLE';
}

export class AlreadyRunningError extends SureAliveError {
  override readonly code = 'SA_ALREADY_RUNNING';
}

export class CertificateError extends SureAliveError {
  override readonly code = 'SA_CERTIFICATE_INVALID';
}

export class StatusUnavailableError extends SureAliveError {
  override readonly code = 'SA_STATUS_UNAVAILABLE';
}

/** A failed system call. `errno` is positive, `errnoName` like `ECONNREFUSED`. */
export class SystemCallError extends SureAliveError {
  override readonly code = 'SA_SYSTEM_CALL';
  readonly errno: number;
  readonly errnoName: string;
  constructor(call: string, errno: number, errnoName: string) {
    super(`${call}: ${errnoName}`);
    this.errno = errno;
    this.errnoName = errnoName;
  }
}

/** The message of whatever was thrown, for a log line. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether an error comes from the world around us; anything else is a bug and ends the process. */
export function isExpected(error: unknown): boolean {
  return error instanceof SureAliveError || (error instanceof Error && 'syscall' in error);
}
