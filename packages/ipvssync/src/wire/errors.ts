import { messageOf, SureAliveError, SystemCallError } from '@surealived/shared/errors';

/** The kernel has no IPVS, or this process may not use it. */
export class KernelUnavailableError extends SureAliveError {
  override readonly code = 'SA_KERNEL_UNAVAILABLE';
}

/** The kernel refused a request that is not an operation of a plan: reading, or opening the table. */
export class KernelRefusedError extends SureAliveError {
  override readonly code = 'SA_KERNEL_REFUSED';
  /** A name, like `EPERM`. */
  readonly errno: string;
  constructor(attempt: string, errno: string) {
    super(`${attempt}: ${errno}`);
    this.errno = errno;
  }
}

/** The kernel's answer was malformed, lost, or late: what was asked may or may not have happened. */
export class KernelProtocolError extends SureAliveError {
  override readonly code = 'SA_KERNEL_PROTOCOL';
  /** Whether the socket's receive buffer overflowed: it can be used on. */
  readonly answersLost: boolean;
  /** @param cause What went wrong in the exchange, where the message does not say it all. */
  constructor(message: string, cause?: unknown) {
    super(cause === undefined ? message : `${message}: ${messageOf(cause)}`, { cause });
    this.answersLost = cause instanceof SystemCallError && cause.errnoName === 'ENOBUFS';
  }
}
