import { describe, expect, it } from 'vitest';
import {
  type DesiredService,
  type DestinationConnections,
  destinationKey,
  type Service,
} from '../ipvs/table.js';
import { destination, service } from '../ipvs/table.test-kit.js';
import { TableImage } from '../ipvs/table-image.js';
import { Drains, describeDrain, findDraining } from './drain.js';

const TIMEOUT_SEC = 60;
const TIMEOUT_MS = TIMEOUT_SEC * 1000;
const [KEPT, GONE, OTHER] = ['10.0.0.11:80', '10.0.0.12:80', '10.0.0.13:80'];

/** A virtual that drains, of which these reals are wanted. */
function wanted(...reals: readonly string[]): DesiredService {
  return {
    ...service('tcp 10.0.0.1:80', {}, ...reals.map((real) => [real, 1] as const)),
    drainTimeoutSec: TIMEOUT_SEC,
  };
}

function table(...reals: readonly (readonly [string, number])[]): TableImage {
  return new TableImage([service('tcp 10.0.0.1:80', {}, ...reals)]);
}

function connections(real: string, active: number, inactive = 0): DestinationConnections {
  const { address, port } = destination(real, 0);
  return { address, port, active, inactive, persistent: 7 };
}

/** Names of what is drained by these connections at that time. */
function look(
  drains: Drains,
  nowMs: number,
  ...counts: readonly DestinationConnections[]
): readonly string[] {
  return drains
    .startLook(nowMs)
    .flatMap((service) => drains.count(service, counts, nowMs))
    .map((drain) => destinationKey(drain.destination));
}

describe('Drains', () => {
  it('hold what is not wanted until it has no connection', () => {
    const drains = new Drains();
    const gone = destination(GONE, 0);
    expect(drains.holds(wanted(KEPT), gone)).toBe(true);
    drains.update([wanted(KEPT)], table([KEPT, 1], [GONE, 0]), false, 0);
    expect(look(drains, 1000, connections(GONE, 1))).toEqual([]);
    expect(look(drains, 2000, connections(GONE, 0, 1))).toEqual([]);
    expect(drains.holds(wanted(KEPT), gone)).toBe(true);
    expect(look(drains, 3000, connections(GONE, 0))).toEqual(['10.0.0.12 80']);
    expect(drains.holds(wanted(KEPT), gone)).toBe(false);
  });

  it('know what was counted as a deletion when it began, and is none when it ends', () => {
    for (const isDrain of [true, undefined]) {
      const drains = new Drains();
      const [gone, before] = [destination(GONE, 0), destination(GONE, 1)];
      const edit = { kind: 'editDestination', service: wanted(KEPT), destination: gone, before } as const;
      drains.noteDone(isDrain ? { ...edit, isDrain } : edit);
      drains.update([wanted(KEPT)], table([GONE, 0]), false, 0);
      const end = { kind: 'deleteDestination', service: wanted(KEPT), destination: gone } as const;
      expect(drains.wasCounted(end)).toBe(false);
      look(drains, 1000, connections(GONE, 0));
      expect(drains.wasCounted(end)).toBe(isDrain === true);
      drains.update([wanted(KEPT)], table([GONE, 0]), true, 2000);
      expect(drains.wasCounted(end)).toBe(isDrain === true);
    }
  });

  it('hold it no longer than the service says, which may change meanwhile', () => {
    const drains = new Drains();
    const image = table([GONE, 0]);
    drains.update([wanted(KEPT)], image, false, 500);
    expect(look(drains, 500 + TIMEOUT_MS - 1, connections(GONE, 3))).toEqual([]);
    expect(look(drains, 500 + TIMEOUT_MS, connections(GONE, 3))).toEqual(['10.0.0.12 80']);
    const again = new Drains();
    again.update([wanted(KEPT)], image, false, 0);
    again.update([{ ...wanted(KEPT), drainTimeoutSec: 2 }], image, false, 1000);
    expect(look(again, 2000, connections(GONE, 3))).toEqual(['10.0.0.12 80']);
  });

  it('take a destination that is no longer there for one without connections', () => {
    const drains = new Drains();
    drains.update([wanted(KEPT)], table([GONE, 0]), false, 0);
    expect(look(drains, 1000, connections(KEPT, 9))).toEqual(['10.0.0.12 80']);
  });

  it('begin when the weight is 0 in the table, and anew when it has been back', () => {
    const drains = new Drains();
    drains.update([wanted(KEPT)], table([GONE, 5]), false, 0);
    expect(drains.lookAtMs).toBe(Number.POSITIVE_INFINITY);
    drains.update([wanted(KEPT)], table([GONE, 0]), false, 10);
    drains.update([wanted(KEPT, GONE)], table([GONE, 1]), false, TIMEOUT_MS);
    expect(drains.all()).toEqual([]);
    drains.update([wanted(KEPT)], table([GONE, 0]), false, TIMEOUT_MS + 10);
    expect(look(drains, TIMEOUT_MS + 20, connections(GONE, 1))).toEqual([]);
  });

  it('go on through rounds that are about others, and end with their service', () => {
    const drains = new Drains();
    const image = table([GONE, 0]);
    drains.update([wanted(KEPT)], image, true, 0);
    drains.update([service('udp 10.0.0.2:53')], image, false, 10);
    drains.update([wanted(KEPT)], image, true, 20);
    expect(drains.all().map(({ sinceMs }) => sinceMs)).toEqual([0]);
    drains.update([service('udp 10.0.0.2:53')], image, true, 30);
    expect(drains.all()).toEqual([]);
  });

  it('are none of a service that does not drain', () => {
    const drains = new Drains();
    const plain = { ...wanted(KEPT), drainTimeoutSec: 0 };
    expect(drains.holds(plain, destination(GONE, 0))).toBe(false);
    drains.update([wanted(KEPT)], table([GONE, 0]), false, 0);
    drains.update([plain], table([GONE, 0]), false, 10);
    expect(drains.all()).toEqual([]);
  });

  it('are looked at every second, a hundred services at a time, each in its turn', () => {
    const services = Array.from({ length: 250 }, (_, i) => ({
      ...service(`tcp 10.0.${i}.1:80`),
      drainTimeoutSec: TIMEOUT_SEC,
    }));
    const standing = services.map((one): Service => ({ ...one, destinations: [destination(GONE, 0)] }));
    const drains = new Drains();
    drains.update(services, new TableImage(standing), true, 0);
    const seen = new Set<string>();
    for (const atMs of [100, 200, 300]) {
      expect(drains.lookAtMs).toBe(atMs);
      drains.update(services.slice(240, 241), new TableImage(standing), false, atMs); // a diff line puts nobody off
      const due = drains.startLook(atMs);
      expect(due).toHaveLength(100);
      for (const one of due) {
        seen.add(one.address.text);
        drains.count(one, [connections(GONE, 1)], atMs);
      }
    }
    expect(seen.size).toBe(250);
    expect(drains.startLook(400, true)).toHaveLength(250);
    drains.update(services.slice(0, 3), new TableImage(standing), true, 500);
    expect(drains.lookAtMs).toBe(1400);
  });

  it('are looked at when the time of one is up', () => {
    const drains = new Drains();
    drains.update([wanted(KEPT)], table([GONE, 0]), false, 0);
    look(drains, TIMEOUT_MS - 300, connections(GONE, 1));
    expect(drains.lookAtMs).toBe(TIMEOUT_MS);
    expect(look(drains, TIMEOUT_MS - 1, connections(GONE, 1))).toEqual([]);
    expect(drains.lookAtMs).toBe(TIMEOUT_MS + 99);
  });

  it('do not look at what is over and could not be deleted yet', () => {
    const drains = new Drains();
    const image = table([GONE, 0], [OTHER, 0]);
    drains.update([wanted(KEPT)], image, false, 0);
    look(drains, 1000, connections(GONE, 0), connections(OTHER, 1));
    drains.update([wanted(KEPT)], image, false, 1000);
    expect(look(drains, 2000, connections(GONE, 0), connections(OTHER, 0))).toEqual(['10.0.0.13 80']);
    expect(drains.lookAtMs).toBe(Number.POSITIVE_INFINITY);
    expect(drains.all().map(({ isOver }) => isOver)).toEqual([true, true]);
  });
});

it('findDraining finds what is at weight 0 and not wanted', () => {
  const [actual] = table([KEPT, 0], [GONE, 0], [OTHER, 1]).services();
  const found = findDraining(wanted(KEPT), actual);
  expect(found).toEqual([destination(GONE, 0)]);
  expect(describeDrain({ service: wanted(KEPT), destination: destination(GONE, 0) })).toBe(
    'draining: tcp 10.0.0.1:80 real 10.0.0.12:80',
  );
});
