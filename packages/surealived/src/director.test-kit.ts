import { down, up } from '@surealived/testers/tester';
import type { RealConfig, TestingConfig, VirtualConfig } from './config/model.js';
import { Director } from './director.js';
import type { Outcome } from './engine/outcome.js';
import { realConfig, recordingLog, virtualConfig } from './services.test-kit.js';
import type { RampTime } from './slow-start.js';
import { createVirtual, currentWeight, isPresent, type Real, type Virtual } from './state.js';

const measured = {
  connectMs: 1,
  responseMs: 2,
  totalMs: 2,
  sentBytes: 10,
  receivedBytes: 20,
  connectionProblem: undefined,
};
export const good: Outcome = { verdict: up('status 200'), obstacle: undefined, ...measured };
export const bad: Outcome = {
  verdict: down('refused', 'connect: ECONNREFUSED'),
  obstacle: undefined,
  ...measured,
};
export const none: Outcome = { verdict: undefined, obstacle: 'socket: EMFILE', ...measured };

/** Time that passes when a test says so. */
export class TestTime implements RampTime {
  #nowMs = 1000;
  readonly #alarms = new Map<object, { readonly dueMs: number; readonly act: () => void }>();

  nowMs(): number {
    return this.#nowMs;
  }

  /** How many wait to be woken. */
  get waiting(): number {
    return this.#alarms.size;
  }

  after(delayMs: number, act: () => void): Disposable {
    const alarm = { [Symbol.dispose]: () => void this.#alarms.delete(alarm) };
    this.#alarms.set(alarm, { dueMs: this.#nowMs + delayMs, act });
    return alarm;
  }

  /** Lets time pass, and wakes whoever is due meanwhile at its time. */
  pass(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const [next] = [...this.#alarms].sort(([, a], [, b]) => a.dueMs - b.dueMs);
      if (!next || next[1].dueMs > endMs) break;
      const [alarm, { dueMs, act }] = next;
      this.#alarms.delete(alarm);
      this.#nowMs = Math.max(this.#nowMs, dueMs);
      act();
    }
    this.#nowMs = endMs;
  }

  /** Lets time pass without waking anybody, as a process that stands still. */
  stall(ms: number): void {
    this.#nowMs += ms;
  }
}

/** Configurations of reals that differ in their ports. */
export function realConfigs(names: readonly string[], own: Partial<RealConfig> = {}): readonly RealConfig[] {
  return names.map((name, index) => realConfig(name, { port: 80 + index, ...own }));
}

/** A director of one virtual, what it passes on, and what it logs. */
export function directorOf(
  names: readonly string[],
  testing: Partial<TestingConfig> = {},
  own: Partial<VirtualConfig> = {},
) {
  const virtual = createVirtual(virtualConfig(realConfigs(names), testing, own));
  const { log, entries } = recordingLog();
  const time = new TestTime();
  const changes: string[] = [];
  const director = new Director({ virtuals: [virtual], log, wallNow: () => new Date(), rampTime: time });
  director.listen({
    onChange: (_virtual, real) => changes.push(`${real.config.name} ${placementOf(virtual, real)}`),
  });
  const realOf = (name: string): Real => virtual.reals.find(({ config }) => config.name === name) as Real;
  const observe = (name: string, ...outcomes: Outcome[]): void => {
    for (const outcome of outcomes) director.observe(virtual, realOf(name), outcome);
  };
  return { director, virtual, observe, realOf, changes, entries, time };
}

function placementOf(virtual: Virtual, real: Real): number | 'gone' {
  return isPresent(virtual, real) ? currentWeight(real) : 'gone';
}
