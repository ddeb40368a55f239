import { describe, expect, it } from 'vitest';
import { changedKeys } from './config-change.js';
import { parseConfig } from './surealived-cfg.js';

const keys = (program: 'surealived' | 'ipvssync', before: string, now: string): readonly string[] =>
  changedKeys(program, parseConfig(before, 'f').config, parseConfig(now, 'f').config);

describe('changedKeys', () => {
  it('compares lists by what is in them', () => {
    expect(keys('ipvssync', 'protect fwmark:7\n', 'protect fwmark:7\n')).toEqual([]);
    expect(keys('ipvssync', 'protect fwmark:7\n', 'protect fwmark:8\n')).toEqual(['protect']);
  });

  it.each([
    ['listen_port 1\n', ['listen_port'], []],
    ['diff_sync_dir /d\nlog_format json\n', ['log_format', 'diff_sync_dir'], ['log_format', 'diff_sync_dir']],
    [
      'ipvssync_log /l\nipvs_timeout_tcp_sec 9\nmax_deletes 3\n',
      [],
      ['ipvssync_log', 'ipvs_timeout_tcp_sec', 'max_deletes'],
    ],
  ])('knows whom %j concerns', (text, surealived, ipvssync) => {
    expect(keys('surealived', '', text)).toEqual(surealived);
    expect(keys('ipvssync', '', text)).toEqual(ipvssync);
  });
});
