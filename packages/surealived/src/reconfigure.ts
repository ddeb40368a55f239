/**
 * A reload: the running state meets a new configuration. What is the same stays as it is.
 *
 * @module
 */
import { isDeepStrictEqual } from 'node:util';
import { realKey, virtualKey } from '@surealived/shared/model';
import type { DiffEntry, SnapshotReal } from '@surealived/shared/snapshot/format';
import type { RealConfig, VirtualConfig } from './config/model.js';
import type { Health } from './health/damping.js';
import { restMs } from './schedule/delay.js';
import { createReal, createVirtual, type Real, snapshotOf, type Virtual } from './state.js';

/** A real with the virtual that it belongs to. */
export interface Place {
  readonly virtual: Virtual;
  readonly real: Real;
}

/** What a new configuration changed. */
export interface Reconfiguration {
  readonly virtuals: readonly Virtual[];
  /** Reals that are no longer there. */
  readonly removed: readonly Place[];
  readonly added: readonly Place[];
  /** How many of the reals that stayed have other settings now, of their own or of their virtual. */
  readonly changed: number;
  /** Reals that stayed, but are tested in another way from now on. */
  readonly retested: readonly Place[];
  /** What diff lines can tell the reader. */
  readonly entries: readonly DiffEntry[];
  /** Whether there is more, which only a full snapshot can tell: other virtuals, or other settings of one. */
  readonly needsSnapshot: boolean;
}

/**
 * Matches virtuals and reals by their keys (spec section 6) and puts the new configuration into those that stay.
 *
 * @param current Changed in place: its virtuals and reals live on in the result.
 * @param settle Called for each virtual that stays with other settings, before it is told what has become of its reals.
 */
export function reconfigure(
  current: readonly Virtual[],
  configs: readonly VirtualConfig[],
  settle: (virtual: Virtual) => void = () => undefined,
): Reconfiguration {
  const known = new Map(current.map((virtual) => [virtualKey(virtual.config), virtual]));
  const changes = new Changes(settle);
  const virtuals = configs.map((config) => {
    const key = virtualKey(config);
    const virtual = known.get(key);
    known.delete(key);
    return virtual ? changes.keep(virtual, config) : changes.add(config);
  });
  for (const virtual of known.values()) changes.remove(virtual);
  return { virtuals, ...changes.result };
}

class Changes {
  readonly #removed: Place[] = [];
  readonly #added: Place[] = [];
  readonly #retested: Place[] = [];
  readonly #entries: DiffEntry[] = [];
  #changed = 0;
  #needsSnapshot = false;
  readonly #settle: (virtual: Virtual) => void;

  constructor(settle: (virtual: Virtual) => void) {
    this.#settle = settle;
  }

  get result(): Omit<Reconfiguration, 'virtuals'> {
    return {
      removed: this.#removed,
      added: this.#added,
      changed: this.#changed,
      retested: this.#retested,
      entries: this.#entries,
      needsSnapshot: this.#needsSnapshot,
    };
  }

  add(config: VirtualConfig): Virtual {
    const virtual = createVirtual(config);
    for (const real of virtual.reals) this.#added.push({ virtual, real });
    this.#needsSnapshot = true;
    return virtual;
  }

  remove(virtual: Virtual): void {
    for (const real of virtual.reals) this.#removed.push({ virtual, real });
    this.#needsSnapshot = true;
  }

  keep(virtual: Virtual, config: VirtualConfig): Virtual {
    const before = virtual.config;
    if (before === config) return virtual;
    const known = new Map(virtual.reals.map((real) => [realKey(real.config), real]));
    const former = new Map(virtual.reals.map((real) => [real, formerReal(virtual, real)]));
    virtual.config = config;
    if (!isSameService(before, config)) this.#needsSnapshot = true;
    virtual.reals = config.reals.map((realConfig) => {
      const real = known.get(realKey(realConfig)) ?? createReal(realConfig);
      real.config = realConfig;
      return real;
    });
    this.#settle(virtual);
    const isSameVirtual = isDeepStrictEqual({ ...before, reals: [] }, { ...config, reals: [] });
    for (const real of virtual.reals) {
      const was = former.get(real);
      former.delete(real);
      if (was) this.#keepReal(virtual, real, { before, isSameVirtual, ...was });
      else this.#addReal(virtual, real);
    }
    for (const [real, { standing }] of former) this.#removeReal(virtual, real, standing);
    virtual.untested = virtual.reals.filter(({ round }) => round !== virtual.round).length;
    return virtual;
  }

  #keepReal(
    virtual: Virtual,
    real: Real,
    { before, isSameVirtual, config, standing }: FormerReal & FormerVirtual,
  ): void {
    if (!isSameVirtual || !isDeepStrictEqual(config, real.config)) this.#changed++;
    const isSame = isSameTest(before, virtual.config, real.health) && isSameTarget(config, real.config);
    if (!isSame) this.#retested.push({ virtual, real });
    const now = snapshotOf(virtual, real);
    if (isDeepStrictEqual(standing, now)) return;
    // what was there before can be changed without a word about adding it
    const command = now === undefined ? 'delreal' : standing === undefined ? 'addreal' : 'chgreal';
    const entry = now ?? standing;
    if (entry) this.#entries.push({ command, virtual: virtual.config, real: entry });
  }

  #addReal(virtual: Virtual, real: Real): void {
    this.#added.push({ virtual, real });
    const entry = snapshotOf(virtual, real);
    if (entry) this.#entries.push({ command: 'addreal', virtual: virtual.config, real: entry });
  }

  #removeReal(virtual: Virtual, real: Real, standing: SnapshotReal | undefined): void {
    this.#removed.push({ virtual, real });
    if (standing) this.#entries.push({ command: 'delreal', virtual: virtual.config, real: standing });
  }
}

/** How things were before a virtual got its new configuration. */
interface FormerVirtual {
  readonly before: VirtualConfig;
  /** Whether the virtual's own settings are the same as before. */
  readonly isSameVirtual: boolean;
}

interface FormerReal {
  readonly config: RealConfig;
  /** How the real stood in IPVS. */
  readonly standing: SnapshotReal | undefined;
}

function formerReal(virtual: Virtual, real: Real): FormerReal {
  return { config: real.config, standing: snapshotOf(virtual, real) };
}

/** Whether IPVS has the same service for both. */
function isSameService(before: VirtualConfig, after: VirtualConfig): boolean {
  const settings = ({
    testing: _testing,
    slowStartMs: _slowStart,
    minOnline: _floor,
    reals: _reals,
    ...own
  }: VirtualConfig) => own;
  return isDeepStrictEqual(settings(before), settings(after));
}

/**
 * Whether the tests go on as they are, as far as the virtual says. Where they shall come more often, nobody waits for the end
 * of the longer rest; a longer one begins with the next verdict.
 */
function isSameTest(
  { name, testing: before }: VirtualConfig,
  { name: nameAfter, testing: after }: VirtualConfig,
  health: Health,
): boolean {
  return (
    name === nameAfter &&
    before.tester === after.tester &&
    before.timeoutMs === after.timeoutMs &&
    restMs(before, health) <= restMs(after, health)
  );
}

/** The same, as far as the real says. */
function isSameTarget(before: RealConfig, after: RealConfig): boolean {
  const test = ({ name, testPort, bindAddress, tls, attributes }: RealConfig) => ({
    name,
    testPort,
    bindAddress,
    tls,
    attributes,
  });
  return isDeepStrictEqual(test(before), test(after));
}
