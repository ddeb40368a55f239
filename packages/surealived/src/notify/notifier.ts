import type { Logger } from '@surealived/shared/log';
import { virtualKey } from '@surealived/shared/model';
import type { DirectorListener } from '../director.js';
import type { DumpedNotification, NotifiedState } from '../dumps/notify-dump.js';
import type { Reconfiguration } from '../reconfigure.js';
import type { Real, Virtual } from '../state.js';
import { isNotified, judgeVirtual, realArguments, virtualArguments } from './decide.js';
import type { NotificationRunner } from './runner.js';

export interface NotifierOptions {
  readonly runner: Pick<NotificationRunner, 'run'>;
  readonly log: Logger;
}

/**
 * Tells programs of virtuals and reals that go up and down.
 *
 * A virtual is first told of when its first round is over, and then at once whenever that changes; what was told before a
 * restart is not told again. A real is told of when its tests take it online or offline.
 */
export class Notifier implements DirectorListener {
  readonly #options: NotifierOptions;
  /** What was last decided to be told. */
  readonly #decided = new Map<Virtual, NotifiedState>();
  /** What was told: a program that still waits for its turn would be lost with this process. */
  readonly #told = new Map<Virtual, NotifiedState>();
  /** Virtuals whose first round is over. */
  readonly #judged = new WeakSet<Virtual>();
  /** Called when `dump` has changed. */
  onTold: () => void = () => undefined;

  constructor(options: NotifierOptions) {
    this.#options = options;
  }

  /** What was told last, as notify.dump holds it. */
  dump(): readonly DumpedNotification[] {
    return [...this.#told].map(([{ config }, state]) => ({ virtual: virtualKey(config), state }));
  }

  /** Takes over what an earlier process told. */
  restore(virtual: Virtual, state: NotifiedState): void {
    if (!isNotified(virtual.config.testing.notify)) return;
    this.#decided.set(virtual, state);
    this.#told.set(virtual, state);
  }

  onRound(virtual: Virtual): void {
    if (this.#judged.has(virtual)) return;
    this.#judged.add(virtual);
    this.#tellOf(virtual);
  }

  onTransition(virtual: Virtual, real: Real): void {
    this.#tellOfReal(virtual, real);
    this.#tellOf(virtual);
  }

  onOperated(virtual: Virtual): void {
    this.#tellOf(virtual);
  }

  onReconfigured({ virtuals }: Reconfiguration): void {
    const present = new Set(virtuals);
    for (const virtual of this.#decided.keys()) {
      if (present.has(virtual) && isNotified(virtual.config.testing.notify)) continue;
      this.#decided.delete(virtual);
      this.#told.delete(virtual);
    }
    for (const virtual of virtuals) this.#tellOf(virtual);
    this.onTold();
  }

  #tellOf(virtual: Virtual): void {
    const { notify } = virtual.config.testing;
    if (!isNotified(notify) || !this.#judged.has(virtual)) return;
    const state = judgeVirtual(virtual);
    if (state === this.#decided.get(virtual)) return;
    this.#decided.set(virtual, state);
    const { runner, log } = this.#options;
    const about = { virtual: virtual.config.name };
    log.info({ ...about, state }, 'virtual notified');
    const onStart = (): void => this.#noteTold(virtual, state);
    const program = state === 'UP' ? notify.up : notify.down;
    if (program === undefined) onStart();
    else {
      const args = virtualArguments(state, virtual);
      runner.run({ subject: virtual, kind: 'virtual', about, program, args, onStart });
    }
  }

  #noteTold(virtual: Virtual, state: NotifiedState): void {
    if (!this.#decided.has(virtual)) return; // a reload has removed it meanwhile
    this.#told.set(virtual, state);
    this.onTold();
  }

  #tellOfReal(virtual: Virtual, real: Real): void {
    const { realUp, realDown } = virtual.config.testing.notify;
    const state = real.health.online ? 'UP' : 'DOWN';
    const program = real.health.online ? realUp : realDown;
    if (program === undefined) return;
    const about = { virtual: virtual.config.name, real: real.config.name };
    const args = realArguments(state, virtual, real);
    this.#options.runner.run({ subject: real, kind: 'real', about, program, args });
  }
}
