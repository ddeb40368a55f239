import { describe, expect, it } from 'vitest';
import type { CountOrPercent } from '../config/model.js';
import { HELD } from '../health/weight.js';
import { at, realConfig, virtualConfig } from '../services.test-kit.js';
import { createVirtual, type Real, type Virtual } from '../state.js';
import { judgeVirtual, realArguments, virtualArguments } from './decide.js';

const NONE = { up: '/up', down: '/down', realUp: undefined, realDown: undefined };
const at50 = { kind: 'percent', percent: 50 } as const;

function threshold(text: string): CountOrPercent | undefined {
  return text === '' ? undefined : { value: Number.parseInt(text, 10), isPercent: text.endsWith('%') };
}

/**
 * @param reals One letter each: + online, - offline, o OFFLINE, d DOWN, h online at half its weight, H held, r online and
 * on its way up.
 */
function virtualOf(reals: string, minReals = '', minWeight = ''): Virtual {
  const notify = { ...NONE, minReals: threshold(minReals), minWeight: threshold(minWeight) };
  const configs = [...reals].map((_, index) => realConfig(`w${index}`, { weight: 10, port: 80 + index }));
  const virtual = createVirtual(virtualConfig(configs, { notify }));
  for (const [index, letter] of [...reals].entries()) {
    const real = virtual.reals[index] as Real;
    if (letter === '-') real.health = { online: false, successes: 0, failures: 1 };
    if (letter === 'o') real.adminState = 'OFFLINE';
    if (letter === 'd') real.adminState = 'DOWN';
    if (letter === 'h') real.override = at50;
    if (letter === 'H')
      Object.assign(real, { health: { online: false, successes: 0, failures: 1 }, adjustment: HELD });
    if (letter === 'r') real.adjustment = { kind: 'ramp', weight: 1 };
  }
  return virtual;
}

describe('judgeVirtual', () => {
  it.each([
    // reals, minimum of reals, minimum of weight, state
    ['---', '', '', 'UP'],
    ['++-', '2', '', 'UP'],
    ['+--', '2', '', 'DOWN'],
    ['---', '0', '', 'UP'],
    ['++-', '66%', '', 'UP'],
    ['++-', '67%', '', 'DOWN'],
    ['+++', '100%', '', 'UP'],
    ['++-', '100%', '', 'DOWN'],
    // what an operator has taken out does not serve, though it counts among all
    ['++o', '3', '', 'DOWN'],
    ['++d', '3', '', 'DOWN'],
    ['++d', '100%', '', 'DOWN'],
    ['++-', '', '20', 'UP'],
    ['+--', '', '20', 'DOWN'],
    ['+o-', '', '20', 'DOWN'],
    // a weight that an operator set counts, on both sides
    ['+h-', '', '15', 'UP'],
    ['+h-', '', '16', 'DOWN'],
    ['+h-', '', '60%', 'UP'],
    ['+h-', '', '61%', 'DOWN'],
    ['hh', '', '100%', 'UP'],
    // what the tests say counts, not what a floor or a slow start makes of it
    ['+H', '2', '', 'DOWN'],
    ['+H', '', '11', 'DOWN'],
    ['+r', '', '20', 'UP'],
    // both must hold
    ['++-', '2', '21', 'DOWN'],
    ['++-', '3', '20', 'DOWN'],
    ['++-', '2', '20', 'UP'],
  ])('says of %s with at least %s reals and weight %s: %s', (reals, minReals, minWeight, state) => {
    expect(judgeVirtual(virtualOf(reals, minReals, minWeight))).toBe(state);
  });

  it('does not round a percentage up: 1 of 200 weights is below 1 %', () => {
    const virtual = virtualOf('+', '', '1%');
    const [real] = virtual.reals as [Real];
    const other = createVirtual(virtualConfig([realConfig('big', { weight: 2000 })])).reals[0] as Real;
    other.health = { online: false, successes: 0, failures: 1 };
    virtual.reals = [real, other];
    expect(judgeVirtual(virtual)).toBe('DOWN');
  });
});

describe('arguments', () => {
  it("are the original's, one element each, whatever a name has in it", () => {
    const reals = [realConfig("r '1'; $(x)", { address: at('2001:db8::1') })];
    const virtual = createVirtual(virtualConfig(reals, {}, { name: 'my web' }));
    const ofVirtual = [
      'notify=DOWN',
      'vname=my web',
      'vaddr=192.168.0.1',
      'vport=80',
      'vproto=tcp',
      'vfwmark=0',
    ];
    expect(virtualArguments('DOWN', virtual)).toEqual(ofVirtual);
    expect(realArguments('DOWN', virtual, virtual.reals[0] as Real)).toEqual([
      ...ofVirtual,
      "rname=r '1'; $(x)",
      'raddr=2001:db8::1',
      'rport=80',
    ]);
  });
});
