import { expect, it } from 'vitest';
import type { VirtualConfig } from '../config/model.js';
import { newReactor } from '../engine/hostile-servers.test-kit.js';
import type { Place } from '../reconfigure.js';
import { realConfig, virtualConfig } from '../services.test-kit.js';
import { createVirtual, type Real } from '../state.js';
import { Watch } from './watch.js';

const figures = { sentinelsOpen: 0, sentinelsBackedOff: 0, sentinelBreaks: 0, sentinelTests: 0 };
const sockets = { lendSocket: () => true, takeBackSocket: () => undefined };

function placeOf(config: VirtualConfig): Place {
  const virtual = createVirtual(config);
  return { virtual, real: virtual.reals[0] as Real };
}

it('waits for its connection as long as the tests do that are shared now, whoever was the first to share them', () => {
  const real = realConfig('w');
  const [first, other] = [placeOf(virtualConfig([real])), placeOf(virtualConfig([real]))];
  const means = { reactor: newReactor(), sockets, restMs: () => 1 };
  const watch = new Watch(means, figures, { isUnderWay: false, hurry: () => undefined }, real, undefined);
  for (const place of [first, other]) watch.places.set(place.real, place);
  expect(watch.timeoutMs).toBe(1000);
  first.virtual.config = virtualConfig([real], { timeoutMs: 50_000 });
  watch.places.delete(first.real);
  expect(watch.timeoutMs).toBe(1000);
});
