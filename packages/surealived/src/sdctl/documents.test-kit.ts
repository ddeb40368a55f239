import type { RealDocument, RealList, TransitionDocument, VirtualDocument } from '../admin/documents.js';

export const web: VirtualDocument = {
  name: 'web',
  proto: 'tcp',
  addr: '192.0.2.10',
  port: 80,
  fwmark: 0,
  rt: 'dr',
  sched: 'wrr',
  tester: 'http',
  timeoutMs: 1000,
  realCount: 2,
  onlineCount: 1,
  weight: 10,
  floor: 0,
  heldCount: 0,
};
export const w1: RealDocument = {
  name: 'w1',
  addr: '10.0.0.11',
  port: 80,
  weight: 10,
  configuredWeight: 10,
  override: null,
  online: true,
  held: false,
  rampTo: null,
  rstate: 'ONLINE',
  tests: 5,
  obstacle: null,
  failure: null,
  lastTransition: null,
  sentinel: null,
};

/** A transition at 10:07:14 local time, or `seconds` later. */
export function transition(
  event: TransitionDocument['event'],
  detail: string,
  seconds = 0,
): TransitionDocument {
  return { at: new Date(2026, 10, 20, 10, 7, 14 + seconds).toISOString(), event, detail };
}

export const w2: RealDocument = {
  ...w1,
  name: 'w 2',
  addr: '10.0.0.12',
  weight: 0,
  configuredWeight: 20,
  override: '50%',
  online: false,
  rstate: 'OFFLINE',
  lastTransition: transition('offline', 'refused: \x1b[2J'),
};

export function listOf(...reals: readonly RealDocument[]): RealList {
  return { virtuals: [{ ...web, reals }] };
}
