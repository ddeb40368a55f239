import { plainPaint } from '@surealived/shared/text-table';
import { expect, it } from 'vitest';
import { realConfigs } from '../director.test-kit.js';
import { HELD } from '../health/weight.js';
import { renderReals, renderVirtuals } from '../sdctl/render.js';
import { virtualConfig } from '../services.test-kit.js';
import { createVirtual } from '../state.js';
import { commandContext, WEB, WEB_HEAD } from './context.test-kit.js';

/** `w1` is held, the weight of `w2` climbs. */
function services() {
  const virtual = createVirtual(
    virtualConfig(realConfigs(['w1', 'w2', 'w3']), {}, { minOnline: { value: 60, isPercent: true } }),
  );
  const [w1, w2] = virtual.reals;
  Object.assign(w1 ?? {}, { health: { online: false, successes: 0, failures: 1 }, adjustment: HELD });
  Object.assign(w2 ?? {}, { adjustment: { kind: 'ramp', weight: 3 } });
  return commandContext([virtual]);
}

it('stand in listings, behind what the original prints', async () => {
  const { ask } = services();
  expect(await ask('vlist')).toEqual([`v:0 ${WEB_HEAD} vheld=1`]);
  expect(await ask(`rlist ${WEB}`)).toEqual([
    `${WEB_HEAD} vheld=1`,
    'r:0 rname=w1 raddr=10.0.0.11 rport=80 currwgt=10 confwgt=10 ronline=FALSE rstate=ONLINE rheld=TRUE',
    'r:1 rname=w2 raddr=10.0.0.11 rport=81 currwgt=3 confwgt=10 ronline=TRUE rstate=ONLINE rrampto=10',
    'r:2 rname=w3 raddr=10.0.0.11 rport=82 currwgt=10 confwgt=10 ronline=TRUE rstate=ONLINE',
  ]);
});

it.each([1, 2])('may be pasted back with a listing: real %i of it', async (index) => {
  const { ask } = services();
  const [head = '', ...reals] = await ask(`rlist ${WEB}`);
  const [answer] = await ask(`rset ${head} ${reals[index - 1]?.replace('rstate=ONLINE', 'rstate=OFFLINE')}`);
  expect(answer).toBe('Set: rstate=OFFLINE, weight=10, inpercent=FALSE');
});

it('stand in documents', async () => {
  const { virtuals } = await services().askDocument(`rlist ${WEB}`);
  expect(virtuals[0]).toMatchObject({ floor: 2, heldCount: 1, onlineCount: 2, weight: 23 });
  expect(virtuals[0].reals).toMatchObject([
    { weight: 10, online: false, held: true, rampTo: null },
    { weight: 3, online: true, held: false, rampTo: 10 },
    { weight: 10, online: true, held: false, rampTo: null },
  ]);
});

it('stand in the tables of sdctl', async () => {
  const list = await services().askDocument(`rlist ${WEB}`);
  expect(renderReals(list, plainPaint).slice(1)).toEqual([
    'REAL  ADDRESS       WEIGHT  CONFIGURED  TESTS             RSTATE  LAST CHANGE',
    'w1    10.0.0.11:80      10  10          down, held        ONLINE',
    'w2    10.0.0.11:81       3  10          up, climbs to 10  ONLINE',
    'w3    10.0.0.11:82      10  10          up                ONLINE',
  ]);
  expect(renderVirtuals(list, plainPaint)[1]).toContain('2/3 (1 held)');
});

it('are counted in the statistics', async () => {
  const { ask, director } = services();
  director.statistics.holds = 7;
  const lines = await ask('stats');
  const begin = lines.indexOf('=== adjusted weights ===');
  expect(lines.slice(begin + 1, begin + 4)).toEqual([
    'r_ramping      : 1',
    'r_held         : 1',
    't_held_set     : 7',
  ]);
});
