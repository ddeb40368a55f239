/** Exit statuses of sdctl; part of the public contract. */
export const EXIT = { ok: 0, failed: 1, usage: 2, unreachable: 3 } as const;
export type ExitStatus = (typeof EXIT)[keyof typeof EXIT];

/** Why sdctl ends without having done what it was asked for; the message goes to stderr. */
export class Failure extends Error {
  readonly status: ExitStatus;
  constructor(status: ExitStatus, message: string) {
    super(message);
    this.name = 'Failure';
    this.status = status;
  }
}
