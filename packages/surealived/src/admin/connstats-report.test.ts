import { down, up } from '@surealived/testers/tester';
import { describe, expect, it } from 'vitest';
import { Director } from '../director.js';
import type { Outcome } from '../engine/outcome.js';
import { at, realConfig, recordingLog, virtualConfig } from '../services.test-kit.js';
import { createVirtual, type Real } from '../state.js';
import { ConnectionStatistics } from '../statistics/connection-statistics.js';
import { reportConnections } from './connstats-report.js';

const good: Outcome = {
  verdict: up('fine'),
  obstacle: undefined,
  connectionProblem: undefined,
  connectMs: 1.25,
  responseMs: 2,
  totalMs: 4.75,
  sentBytes: 1,
  receivedBytes: 1,
};
const bad: Outcome = { ...good, verdict: down('refused', 'no'), connectionProblem: 'refused' };

function reportOf(logMicro: boolean): readonly string[] {
  const reals = [realConfig('w 1'), realConfig('w2', { address: at('::1') })];
  const virtuals = [
    createVirtual(virtualConfig([], {}, { name: 'none', port: 81 })),
    createVirtual(virtualConfig(reals, { logMicro, statsSamples: 5 })),
  ];
  const statistics = new ConnectionStatistics(() => new Date());
  const director = new Director({ virtuals, log: recordingLog().log, wallNow: () => new Date() });
  director.listen(statistics);
  const [, web] = virtuals;
  if (!web) throw new Error('no virtual');
  const [w1, w2] = web.reals as [Real, Real];
  for (const real of [w1, w1, w2]) director.observe(web, real, real === w2 ? bad : good);
  return [...reportConnections(virtuals, statistics)];
}

describe('the answer to connstats', () => {
  it('has a block for each virtual, and seven lines for each real', () => {
    const key = 'vname=web vproto=tcp vaddr=192.168.0.1 vport=80 vfwmark=0';
    const w1 = `${key} rname=w_1 raddr=10.0.0.11 rport=80 total=2`;
    const w2 = `${key} rname=w2 raddr=::1 rport=80 total=1`;
    expect(reportOf(false)).toEqual([
      'Virtual:',
      'v:0 vname=none vproto=tcp vaddr=192.168.0.1 vport=81 vfwmark=0 vrt=dr vsched=wrr samples=20 total=0 savgconn=0ms savgresp=0ms savgtotal=0ms connprob=0 arpprob=0 rstprob=0',
      '',
      'Reals:',
      '-----',
      '',
      'Virtual:',
      `v:1 ${key} vrt=dr vsched=wrr samples=5 total=1 savgconn=2ms savgresp=1ms savgtotal=4ms connprob=0 arpprob=0 rstprob=1`,
      '',
      'Reals:',
      `r:1.0 real-stats ${w1} connprob=0 arpprob=0 rstprob=0`,
      `r:1.0 lstats_ms  ${w1} lastconn=1ms lastresp=3ms lasttotal=4ms`,
      `r:1.0 lstats_us  ${w1} lastconn=1250us lastresp=3500us lasttotal=4750us`,
      `r:1.0 sstats_ms  ${w1} savgconn=1ms savgresp=3ms savgtotal=4ms`,
      `r:1.0 sstats_us  ${w1} savgconn=1250us savgresp=3500us savgtotal=4750us`,
      `r:1.0 tstats_ms  ${w1} tavgconn=1ms tavgresp=3ms tavgtotal=4ms`,
      `r:1.0 tstats_us  ${w1} tavgconn=1250us tavgresp=3500us tavgtotal=4750us`,
      '',
      `r:1.1 real-stats ${w2} connprob=0 arpprob=0 rstprob=1`,
      `r:1.1 lstats_ms  ${w2} lastconn=4ms lastresp=0ms lasttotal=4ms`,
      `r:1.1 lstats_us  ${w2} lastconn=4750us lastresp=0us lasttotal=4750us`,
      `r:1.1 sstats_ms  ${w2} savgconn=4ms savgresp=0ms savgtotal=4ms`,
      `r:1.1 sstats_us  ${w2} savgconn=4750us savgresp=0us savgtotal=4750us`,
      `r:1.1 tstats_ms  ${w2} tavgconn=4ms tavgresp=0ms tavgtotal=4ms`,
      `r:1.1 tstats_us  ${w2} tavgconn=4750us tavgresp=0us tavgtotal=4750us`,
      '',
      '-----',
      '',
    ]);
  });

  it('shows the averages of a virtual in microseconds where it has logmicro', () => {
    expect(reportOf(true)[7]).toContain(' savgconn=3000us savgresp=1750us savgtotal=4750us ');
  });

  it('says when nothing is gathered', () => {
    expect([...reportConnections([], undefined)]).toEqual(['Gathering statistics is OFF']);
  });
});
