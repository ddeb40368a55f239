import { type ChildProcess, spawn } from 'node:child_process';
import { messageOf } from '@surealived/shared/errors';
import type { Logger } from '@surealived/shared/log';

/** A program to be told of something. */
export interface Notification {
  /** Whom it is about; of one subject, one program runs at a time, in order. */
  readonly subject: object;
  /** What the subject is: where too many wait, those of virtuals are kept longer. */
  readonly kind: 'virtual' | 'real';
  /** For the log. */
  readonly about: Readonly<Record<string, string>>;
  readonly program: string;
  readonly args: readonly string[];
  /** Called when its turn has come. */
  readonly onStart?: () => void;
}

export interface NotificationRunnerOptions {
  readonly log: Logger;
  /** After which a program is killed, with all of its process group. */
  readonly timeoutMs: number;
  /** Programs at a time. */
  readonly maxRunning?: number;
  /** Notifications that wait for their turn. */
  readonly maxWaiting?: number;
}

/**
 * Runs the programs of notifications, each in a session of its own, without input and output. Nobody waits for them, but
 * their failure is told; a stop leaves them running.
 */
export class NotificationRunner {
  readonly #log: Logger;
  readonly #maxRunning: number;
  readonly #maxWaiting: number;
  readonly #timeoutMs: number;
  readonly #running = new Set<object>();
  #waiting: Notification[] = [];
  /** Since too many began to wait, until none does any more. */
  #leftOut = 0;

  constructor({ log, timeoutMs, maxRunning = 16, maxWaiting = 1000 }: NotificationRunnerOptions) {
    this.#log = log;
    this.#maxRunning = maxRunning;
    this.#maxWaiting = maxWaiting;
    this.#timeoutMs = timeoutMs;
  }

  run(notification: Notification): void {
    this.#waiting.push(notification);
    this.#startWaiting();
    if (this.#waiting.length > this.#maxWaiting) this.#leaveOneOut();
  }

  /** Starts no more; what runs is left alone. */
  stop(): void {
    const dropped = this.#waiting.length;
    this.#waiting = [];
    if (dropped > 0) this.#log.warn({ notifications: dropped }, 'notifications were still waiting');
    this.#endFlood();
  }

  #startWaiting(): void {
    while (this.#running.size < this.#maxRunning) {
      const index = this.#waiting.findIndex(({ subject }) => !this.#running.has(subject));
      const [next] = index < 0 ? [] : this.#waiting.splice(index, 1);
      if (!next) return;
      this.#start(next);
      if (this.#waiting.length === 0) this.#endFlood();
    }
  }

  /** One that a later one of the same subject makes stale, or else one of a real, or else any; the oldest of these. */
  #leaveOneOut(): void {
    const latest = new Map(this.#waiting.map(({ subject }, place) => [subject, place]));
    const isSuperseded = ({ subject }: Notification, place: number): boolean => latest.get(subject) !== place;
    const superseded = this.#waiting.findIndex(isSuperseded);
    const ofReal = this.#waiting.findIndex(({ kind }) => kind === 'real');
    this.#waiting.splice(superseded >= 0 ? superseded : Math.max(ofReal, 0), 1);
    if (this.#leftOut === 0)
      this.#log.warn({ waiting: this.#waiting.length }, 'too many notifications wait, some are left out');
    this.#leftOut++;
  }

  #endFlood(): void {
    if (this.#leftOut === 0) return;
    this.#log.warn({ notifications: this.#leftOut }, 'notifications were left out');
    this.#leftOut = 0;
  }

  #start(notification: Notification): void {
    const { subject, about, program, onStart } = notification;
    onStart?.();
    const child = this.#spawn(notification);
    if (!child) return;
    child.unref();
    this.#running.add(subject);
    let wasKilled = false;
    const timer = setTimeout(() => {
      wasKilled = true;
      killGroup(child);
    }, this.#timeoutMs);
    timer.unref();
    let isOver = false;
    const end = (failure: Record<string, unknown> | undefined): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      this.#running.delete(subject);
      if (failure) this.#log.warn({ ...about, program, ...failure }, 'notification failed');
      this.#startWaiting();
    };
    child.once('error', (error) => end({ cause: error.message }));
    child.once('exit', (status, signal) => {
      if (wasKilled) end({ cause: `killed after ${this.#timeoutMs} ms` });
      else if (signal) end({ signal });
      else end(status === 0 ? undefined : { status });
    });
  }

  /** Node tells of some failures by an event, but throws others: ENOMEM, ENOTDIR, ETXTBSY … */
  #spawn({ about, program, args }: Notification): ChildProcess | undefined {
    try {
      return spawn(program, args, { detached: true, stdio: 'ignore' });
    } catch (error) {
      this.#log.warn({ ...about, program, cause: messageOf(error) }, 'notification failed');
      return undefined;
    }
  }
}

/** The program and what it started; it may have ended meanwhile. */
function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // it ended just now
  }
}
