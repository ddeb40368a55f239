/**
 * The running state of virtuals and reals, and how it stands in IPVS.
 *
 * @module
 */
import type { AdminState } from '@surealived/shared/model';
import type { DiffEntry, SnapshotReal, SnapshotVirtual } from '@surealived/shared/snapshot/format';
import type { RealConfig, VirtualConfig } from './config/model.js';
import { type Health, INITIAL_HEALTH, observe } from './health/damping.js';
import {
  effectiveWeight,
  overriddenWeight,
  type WeightAdjustment,
  type WeightOverride,
} from './health/weight.js';
import type { SentinelPhase } from './sentinel/policy.js';
import type { RealStatistics } from './statistics/real-statistics.js';

/** A real as it stands now. Once the dumps are restored, it changes through Director alone. */
export interface Real {
  /** Replaced by a reload. */
  config: RealConfig;
  health: Health;
  adminState: AdminState;
  override: WeightOverride | undefined;
  /** Set while its weight climbs after a recovery, or while it is held. */
  adjustment: WeightAdjustment | undefined;
  /** Tests that came to a verdict. */
  tests: number;
  /** Why the last test could not be made, where it could not. */
  obstacle: string | undefined;
  /** Why the last test failed, where it did: its reason and its detail. */
  failure: string | undefined;
  /** What the last task put out. */
  output: string | undefined;
  /** What its sentinel does, where it has one. */
  sentinel: SentinelPhase | undefined;
  /** The last transitions, oldest first. */
  history: readonly Transition[];
  /** The round of its virtual in which it was last tested. */
  round: number;
  /** For ConnectionStatistics, which needs it at each test; absent where none are gathered. */
  statistics: RealStatistics | undefined;
}

/** Something that happened to a real. */
export interface Transition {
  readonly at: Date;
  readonly what: 'online' | 'offline' | 'set';
  /** Why, in one line. */
  readonly detail: string;
}

export interface Virtual {
  /** Replaced by a reload. */
  config: VirtualConfig;
  reals: readonly Real[];
  /** Counts from 1; over when every real was tested once more. */
  round: number;
  /** Reals that this round still waits for. */
  untested: number;
  roundBegan: Date;
}

/** A virtual before its first test: every real online. */
export function createVirtual(config: VirtualConfig): Virtual {
  const reals = config.reals.map(createReal);
  return { config, reals, round: 1, untested: reals.length, roundBegan: new Date() };
}

/** One for all, as long as nothing has happened. */
const NO_HISTORY: readonly Transition[] = [];

export function createReal(config: RealConfig): Real {
  return {
    config,
    health: INITIAL_HEALTH,
    adminState: 'ONLINE',
    override: undefined,
    adjustment: undefined,
    tests: 0,
    obstacle: undefined,
    failure: undefined,
    output: undefined,
    sentinel: undefined,
    history: NO_HISTORY,
    round: 0,
    statistics: undefined,
  };
}

/** What the tests say of the real after one more verdict. */
export function healthAfter({ config }: Virtual, { health }: Real, isUp: boolean): Health {
  const { tester, thresholds } = config.testing;
  // a verdict that is given once must be enough
  return observe(health, isUp, tester.kind === 'constant' ? { rise: 1, fall: 1 } : thresholds);
}

/** The weight the real carries in IPVS, where it is there at all. */
export function currentWeight({ health, adminState, config, override, adjustment }: Real): number {
  const { online } = health;
  return effectiveWeight({ online, adminState, configuredWeight: config.weight, override, adjustment });
}

/** The weight it carries when tests and operator want it and nothing adjusts it. */
export function wantedWeight({ config, override }: Real): number {
  return overriddenWeight(config.weight, override);
}

/** Whether its tests fail, but the floor of its virtual keeps its weight. */
export function isHeld({ adjustment }: Real): boolean {
  return adjustment?.kind === 'held';
}

/** How many of the virtual's reals are held. */
export function countHeld({ config, reals }: Virtual): number {
  return config.minOnline.value === 0 ? 0 : reals.reduce((sum, real) => sum + (isHeld(real) ? 1 : 0), 0);
}

/** Whether its weight climbs after a recovery. */
export function isRamping({ adjustment }: Real): boolean {
  return adjustment?.kind === 'ramp';
}

/** Whether the real is in IPVS at all: DOWN is removed, and so is offline with remove_on_fail (spec section 4). */
export function isPresent(virtual: Virtual, real: Real): boolean {
  if (real.adminState === 'DOWN') return false;
  return real.health.online || isHeld(real) || !virtual.config.testing.removeOnFail;
}

/** How the log names a real. */
export function namesOf(virtual: Virtual, real: Real): { virtual: string; real: string } {
  return { virtual: virtual.config.name, real: real.config.name };
}

/** The virtual as the full snapshot shows it: with the reals that are present. */
export function snapshotVirtual(virtual: Virtual): SnapshotVirtual {
  const reals = virtual.reals.filter((real) => isPresent(virtual, real)).map(snapshotReal);
  return { ...virtual.config, reals };
}

/** The diff lines that bring a reader from any former state of the real to its present one. */
export function diffEntries(virtual: Virtual, real: Real): readonly DiffEntry[] {
  const entry = { virtual: virtual.config, real: snapshotReal(real) };
  if (!isPresent(virtual, real)) return [{ command: 'delreal', ...entry }];
  return [
    { command: 'addreal', ...entry },
    { command: 'chgreal', ...entry },
  ];
}

/** The real as it shall stand in IPVS, or `undefined` where it shall not. */
export function snapshotOf(virtual: Virtual, real: Real): SnapshotReal | undefined {
  return isPresent(virtual, real) ? snapshotReal(real) : undefined;
}

function snapshotReal(real: Real): SnapshotReal {
  const { name, address, port, lowerThreshold, upperThreshold, forwarding, tunnel } = real.config;
  const weight = currentWeight(real);
  return { name, address, port, weight, lowerThreshold, upperThreshold, forwarding, tunnel };
}
