import type { Socket } from 'node:net';
import tcp from '@surealived/testers/testers/tcp';
import { expect, onTestFinished } from 'vitest';
import type { RealConfig, TestingConfig, VirtualConfig } from '../config/model.js';
import { Engine } from '../engine/engine.js';
import { listen, newReactor } from '../engine/hostile-servers.test-kit.js';
import type { Outcome } from '../engine/outcome.js';
import { observe } from '../health/damping.js';
import { reconfigure } from '../reconfigure.js';
import { Scheduler, type SchedulerOptions } from '../schedule.js';
import { at, realConfig, virtualConfig } from '../services.test-kit.js';
import { createVirtual, type Real, type Virtual } from '../state.js';

export const VIRTUALS = 20;
const quick = { tester: tcp, loopDelayMs: 5, timeoutMs: 5000 };
const never = (): void => undefined;

/** A scheduler that shares probes, and the outcomes of each virtual. */
export class Sharing {
  readonly outcomes = new Map<string, Outcome[]>();
  virtuals: readonly Virtual[];
  readonly scheduler: Scheduler;
  onTold: (virtual: string) => void = never;

  constructor(
    configs: readonly VirtualConfig[],
    options: Partial<Pick<SchedulerOptions, 'startupDelayMs' | 'random' | 'traceOf'>> = {},
  ) {
    const reactor = newReactor();
    this.scheduler = new Scheduler({
      reactor,
      engine: new Engine(reactor, { sockets: 100, tasks: 1 }),
      startupDelayMs: 0,
      sharesProbes: true,
      onOutcome: (virtual, real, outcome) => this.#fold(virtual, real, outcome),
      ...options,
    });
    onTestFinished(() => this.scheduler.stop());
    this.virtuals = configs.map(createVirtual);
    this.scheduler.start(this.virtuals);
  }

  count(virtual: string): number {
    return this.outcomes.get(virtual)?.length ?? 0;
  }

  /** Waits for so many more outcomes. */
  async more(virtual: string, outcomes: number): Promise<void> {
    const before = this.count(virtual);
    await expect.poll(() => this.count(virtual) - before, { interval: 2 }).toBeGreaterThanOrEqual(outcomes);
  }

  get states(): readonly boolean[] {
    return this.virtuals.map(({ reals }) => reals.every(({ health }) => health.online));
  }

  reload(configs: readonly VirtualConfig[]): void {
    const reconfiguration = reconfigure(this.virtuals, configs);
    this.virtuals = reconfiguration.virtuals;
    this.scheduler.reconfigure(reconfiguration);
  }

  #fold({ config }: Virtual, real: Real, outcome: Outcome): void {
    if (outcome.verdict) real.health = observe(real.health, outcome.verdict.up, config.testing.thresholds);
    const outcomes = this.outcomes.get(config.name) ?? [];
    this.outcomes.set(config.name, [...outcomes, outcome]);
    this.onTold(config.name);
  }
}

/** A virtual of one real on this machine. */
export function virtual(
  name: string,
  testPort: number,
  testing: Partial<TestingConfig> = {},
  real: Partial<RealConfig> = {},
): VirtualConfig {
  const config = realConfig('w', { address: at('127.0.0.1'), testPort, ...real });
  return virtualConfig([config], { ...quick, ...testing }, { name, fwmark: Number(name.slice(1)) });
}

export const twenty = (port: number, testing: Partial<TestingConfig> = {}) =>
  Array.from({ length: VIRTUALS }, (_, index) => virtual(`v${index}`, port, testing));

/** A server that counts connections, and what it does with each. */
export async function countingServer(serve: (socket: Socket) => void = never) {
  const server = { port: 0, connections: 0, requests: [] as string[] };
  server.port = await listen((socket) => {
    server.connections++;
    socket.on('data', (data) => server.requests.push(data.toString()));
    serve(socket);
  });
  return server;
}
