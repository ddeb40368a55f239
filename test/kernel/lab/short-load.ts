import { EventEmitter, once } from 'node:events';
import { get } from './http-get.js';
import { describeOutcome } from './http-protocol.js';
import { joinAddress } from './ipvs-entry.js';
import { type FailedConnection, type LoadTarget, monotonicMs, type ShortCounts } from './load-protocol.js';

/** While so many are under way no more are begun: the rate is a bound, not a promise. */
const MAX_UNDER_WAY = 20;
const KEPT_FAILURES = 20;

/** New connections at a bounded rate, to each target in turn, of one request each. */
export class ShortLoad {
  readonly #targets: readonly LoadTarget[];
  readonly #events = new EventEmitter();
  readonly #failures: FailedConnection[] = [];
  readonly #timer: NodeJS.Timeout;
  #counts: Record<string, Record<string, number>> = {};
  #begun = 0;
  #underWay = 0;

  constructor(targets: readonly LoadTarget[], intervalMs: number) {
    this.#targets = targets;
    this.#timer = setInterval(() => void this.#next(), intervalMs);
  }

  get failures(): readonly FailedConnection[] {
    return this.#failures;
  }

  /** Counts connections that begin from now on, until each target has so many. */
  async count(connections: number): Promise<ShortCounts> {
    const counts: Record<string, Record<string, number>> = {};
    for (const { name } of this.#targets) counts[name] = {};
    this.#counts = counts;
    const isEnough = (): boolean => Object.values(counts).every((reals) => sum(reals) >= connections);
    while (!isEnough()) await once(this.#events, 'done');
    return counts;
  }

  /** Begins no more, and waits for those under way. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    while (this.#underWay > 0) await once(this.#events, 'done');
  }

  async #next(): Promise<void> {
    const target = this.#targets[this.#begun % this.#targets.length];
    if (!target || this.#underWay >= MAX_UNDER_WAY) return;
    const counts = this.#counts;
    this.#begun++;
    this.#underWay++;
    const outcome = await get(`http://${joinAddress(target.address, target.port)}/`, {});
    this.#underWay--;
    const answer = describeOutcome(outcome);
    const ofTarget = counts[target.name];
    if (ofTarget) ofTarget[answer] = (ofTarget[answer] ?? 0) + 1;
    if (outcome.status !== 200 && this.#failures.length < KEPT_FAILURES)
      this.#failures.push({ target: target.name, atMs: monotonicMs(), reason: answer });
    this.#events.emit('done');
  }
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
