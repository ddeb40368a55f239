import { ansiPaint, plainPaint } from '@surealived/shared/text-table';
import { describe, expect, it } from 'vitest';
import { listOf, transition, w1, w2 } from './documents.test-kit.js';
import { LiveView } from './watch-view.js';

const down = { ...w1, online: false, weight: 0, lastTransition: transition('offline', 'timeout: no', 1) };
const back = { ...w1, lastTransition: transition('online', 'ok', 5) };

describe('LiveView', () => {
  it('tells how many are up, then each transition once, by its time', () => {
    const view = new LiveView('here', plainPaint);
    expect(view.update(listOf(w1, w2))).toEqual(['here: 1 of 2 reals up']);
    expect(view.update(listOf(w1, w2))).toEqual([]);
    const set = { ...w2, lastTransition: transition('set', 'rstate=ONLINE') };
    expect(view.update(listOf(down, set))).toEqual([
      '2026-11-20 10:07:14 web w_2 10.0.0.12:80 set rstate=ONLINE',
      '2026-11-20 10:07:15 web w1 10.0.0.11:80 offline timeout: no',
    ]);
    expect(view.update(listOf(back, set))).toEqual(['2026-11-20 10:07:19 web w1 10.0.0.11:80 online ok']);
  });

  it('tells once that there is no answer, and that there is one again', () => {
    const view = new LiveView('here', plainPaint);
    view.update(listOf(w1));
    expect([view.lose('gone'), view.lose('gone')]).toEqual([['gone'], []]);
    expect(view.update(listOf(down))).toEqual([
      'here: is back',
      '2026-11-20 10:07:15 web w1 10.0.0.11:80 offline timeout: no',
    ]);
  });

  it('draws over the last screen', () => {
    const view = new LiveView('here', plainPaint);
    view.update(listOf(w1, w2));
    view.update(listOf(down, w2));
    expect(view.frame(60, 24).split('\r\n')).toEqual([
      '\x1b[Hhere: 0 of 2 reals up\x1b[K',
      'VIRTUAL  REAL  ADDRESS       WEIGHT  CONFIGURED  TESTS  RSTA\x1b[K',
      'web      w1    10.0.0.11:80       0  10          down   ONLI\x1b[K',
      'web      w_2   10.0.0.12:80       0  20 (50%)    down   OFFL\x1b[K',
      '\x1b[K',
      '2026-11-20 10:07:15 web w1 10.0.0.11:80 offline timeout: no\x1b[K\x1b[J',
    ]);
    view.lose('cannot connect');
    expect(view.frame(60, 24)).toMatch('\x1b[Hcannot connect\x1b[K');
  });

  it('shows what is unwell first where there is no room for all', () => {
    const view = new LiveView('here', plainPaint);
    const many = Array.from({ length: 50 }, (_, i) => ({ ...w1, name: `r${i}`, port: i + 1 }));
    view.update(listOf(...many, w2));
    const lines = view.frame(80, 10).split('\r\n');
    expect(lines).toHaveLength(9);
    expect(lines[2]).toMatch(/^web +w_2 /);
    expect(lines.at(-1)).toMatch('… 45 more');
  });

  it('cuts no colour in two', () => {
    const view = new LiveView('here', ansiPaint);
    view.update(listOf(w1));
    const [, heading = ''] = view.frame(3, 24).split('\r\n');
    expect(heading).toMatch('\x1b[2mVIR\x1b[0m');
  });
});
