/**
 * The JSON documents of the admin socket, which sdctl reads, and how virtuals and reals look in them.
 *
 * @module
 */
import type { AdminState, ForwardingMethod, Protocol } from '@surealived/shared/model';
import type { FailureReason } from '@surealived/testers/tester';
import type { ProblemCounts, Times } from '../dumps/stats-dump.js';
import { floorOf } from '../health/floor.js';
import type { WeightOverride } from '../health/weight.js';
import type { ReloadReport } from '../reload-report.js';
import type { SentinelPhase } from '../sentinel/policy.js';
import {
  countHeld,
  currentWeight,
  isHeld,
  isRamping,
  type Real,
  type Transition,
  type Virtual,
  wantedWeight,
} from '../state.js';

/** Goes up when a document changes in a way that its readers may not bear; a new key is none. */
export const DOCUMENT_VERSION = 1;

export interface VirtualDocument {
  readonly name: string;
  readonly proto: Protocol;
  readonly addr: string;
  readonly port: number;
  readonly fwmark: number;
  readonly rt: ForwardingMethod;
  readonly sched: string;
  readonly tester: string;
  readonly timeoutMs: number;
  readonly realCount: number;
  /** Reals that the tests find well. */
  readonly onlineCount: number;
  /** Sum of the weights in IPVS. */
  readonly weight: number;
  /** How many reals are to be left whatever the tests say; 0 for none. */
  readonly floor: number;
  /** Reals that keep their weight for that, although their tests fail. */
  readonly heldCount: number;
}

export interface TransitionDocument {
  /** ISO 8601. */
  readonly at: string;
  readonly event: Transition['what'];
  readonly detail: string;
}

export interface RealDocument {
  readonly name: string;
  readonly addr: string;
  readonly port: number;
  /** The weight in IPVS now. */
  readonly weight: number;
  readonly configuredWeight: number;
  /** `7` or `50%`; null where the operator set none. */
  readonly override: string | null;
  readonly online: boolean;
  /** Whether it keeps its weight although its tests fail. */
  readonly held: boolean;
  /** The weight that it climbs to after a recovery; null where it does not climb. */
  readonly rampTo: number | null;
  readonly rstate: AdminState;
  /** Tests that came to a verdict. */
  readonly tests: number;
  /** Why the last test could not be made. */
  readonly obstacle: string | null;
  /** Why the last test failed. */
  readonly failure: string | null;
  readonly lastTransition: TransitionDocument | null;
  /** What the connection that watches over it does; null without one. */
  readonly sentinel: SentinelPhase | null;
}

/** `vlist`. */
export interface VirtualList {
  readonly virtuals: readonly VirtualDocument[];
}

export interface VirtualWithReals extends VirtualDocument {
  readonly reals: readonly RealDocument[];
}

/** `rlist`, `rset`, `vset`. */
export interface RealList {
  readonly virtuals: readonly VirtualWithReals[];
}

export interface RealHistory extends RealDocument {
  /** Oldest first. */
  readonly transitions: readonly TransitionDocument[];
  /** What the last task put out. */
  readonly output: string | null;
}

/** `history`. */
export interface History {
  readonly virtual: VirtualDocument;
  readonly reals: readonly RealHistory[];
}

export interface TranscriptEntry {
  /** Milliseconds since the check began. */
  readonly atMs: number;
  readonly direction: 'sent' | 'received';
  /** How many were moved; `data` may show fewer. */
  readonly bytes: number;
  /** Printable ASCII as it is, anything else as \r, \n, \t, \\ or \xNN. */
  readonly data: string;
  readonly isCut: boolean;
}

/** `check`. */
export interface Check {
  readonly virtual: VirtualDocument;
  readonly real: RealDocument;
  readonly transcript: readonly TranscriptEntry[];
  /** What the transcript leaves out after its last entry. */
  readonly omitted: { readonly entries: number; readonly bytes: number };
  /** Null when the test could not be made: see `obstacle`. */
  readonly verdict: {
    readonly up: boolean;
    readonly reason: FailureReason | null;
    readonly detail: string;
  } | null;
  readonly obstacle: string | null;
  /** What a task put out. */
  readonly output: string | null;
  readonly connectMs: number;
  readonly responseMs: number;
  readonly totalMs: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** `reload`. */
export interface Reload {
  readonly reload: ReloadReport;
}

/** `stats`. */
export interface Statistics {
  /** The figures of each section by their names. */
  readonly sections: Readonly<Record<string, Readonly<Record<string, number | string>>>>;
  readonly lastReload: (ReloadReport & { readonly at: string }) | null;
  readonly troubles: readonly {
    readonly file: string;
    readonly since: string;
    readonly cause: string;
    readonly lost: number;
  }[];
}

export interface RealFigures {
  readonly name: string;
  readonly addr: string;
  readonly port: number;
  readonly tests: number;
  /** Microseconds of the last test, on average of the last samples, on average of all tests. */
  readonly lastUs: Times;
  readonly averageUs: Times;
  readonly overallUs: Times;
  readonly problems: ProblemCounts;
}

export interface VirtualFigures extends VirtualDocument {
  /** How many tests an average covers. */
  readonly samples: number;
  readonly rounds: number;
  readonly averageUs: Times;
  readonly problems: ProblemCounts;
  readonly reals: readonly RealFigures[];
}

/** `connstats`. */
export interface ConnectionFigures {
  readonly isGathered: boolean;
  readonly virtuals: readonly VirtualFigures[];
}

/** `help`. */
export interface Help {
  readonly commands: readonly {
    readonly name: string;
    readonly operands: string;
    readonly summary: string;
  }[];
}

/** How the one line begins that a connection gets in place of answers. */
export const TOO_MANY_CLIENTS = 'Too many clients';

/** What is answered where a command meets a bug. */
export const INTERNAL_ERROR = 'Internal error, see the log!';

/** What `--json` gets in place of a document when a request cannot be met. */
export interface Refusal {
  readonly error: string;
}

export function virtualDocument(virtual: Virtual): VirtualDocument {
  const { config, reals } = virtual;
  const { name, protocol, address, port, fwmark, forwarding, scheduler, testing } = config;
  return {
    name,
    proto: protocol,
    addr: address.text,
    port,
    fwmark,
    rt: forwarding,
    sched: scheduler,
    tester: testing.tester.name,
    timeoutMs: testing.timeoutMs,
    realCount: reals.length,
    onlineCount: reals.reduce((sum, { health }) => sum + (health.online ? 1 : 0), 0),
    weight: reals.reduce((sum, real) => sum + currentWeight(real), 0),
    floor: floorOf(config.minOnline, reals.length),
    heldCount: countHeld(virtual),
  };
}

export function realDocument(real: Real): RealDocument {
  const { config, health, adminState, override, tests, obstacle, failure, sentinel, history } = real;
  const last = history.at(-1);
  return {
    name: config.name,
    addr: config.address.text,
    port: config.port,
    weight: currentWeight(real),
    configuredWeight: config.weight,
    override: overrideText(override),
    online: health.online,
    held: isHeld(real),
    rampTo: isRamping(real) ? wantedWeight(real) : null,
    rstate: adminState,
    tests,
    obstacle: obstacle ?? null,
    failure: failure ?? null,
    lastTransition: last ? transitionDocument(last) : null,
    sentinel: sentinel ?? null,
  };
}

export function transitionDocument({ at, what, detail }: Transition): TransitionDocument {
  return { at: at.toISOString(), event: what, detail };
}

export function realList(virtuals: readonly Virtual[], realsOf = ({ reals }: Virtual) => reals): RealList {
  return {
    virtuals: virtuals.map((virtual) => ({
      ...virtualDocument(virtual),
      reals: realsOf(virtual).map(realDocument),
    })),
  };
}

function overrideText(override: WeightOverride | undefined): string | null {
  if (!override) return null;
  return override.kind === 'percent' ? `${override.percent}%` : String(override.weight);
}
