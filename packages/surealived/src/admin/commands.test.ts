import { describe, expect, it } from 'vitest';
import { Director } from '../director.js';
import { at, realConfig, recordingLog, virtualConfig } from '../services.test-kit.js';
import { createVirtual, type Virtual } from '../state.js';
import { answer } from './commands.js';
import { readProcessFigures } from './statistics-report.js';

const WEB = 'vproto=tcp vaddr=192.168.0.1 vport=80';
const W1 = `${WEB} raddr=10.0.0.11 rport=80`;
const WEB_HEAD = 'vname=web vproto=tcp vaddr=192.168.0.1 vport=80 vfwmark=0 vrt=dr vsched=wrr';

function services() {
  const mark = {
    name: 'a mark',
    protocol: 'fwmark',
    port: 0,
    fwmark: 7,
    forwarding: 'tun',
    scheduler: 'rr',
  } as const;
  const six = at('2001:db8::1');
  const virtuals = [
    virtualConfig([realConfig('w1'), realConfig('w 2', { address: at('10.0.0.12'), weight: 20 })]),
    virtualConfig([], {}, { ...mark, address: at('0.0.0.0') }),
    virtualConfig([], {}, { ...mark, name: 'mark6', address: at('::') }),
    virtualConfig(
      [realConfig('s1', { address: six })],
      {},
      { name: 'six', protocol: 'udp', address: six, port: 53 },
    ),
  ].map(createVirtual);
  const changes: string[] = [];
  const director = new Director({ virtuals, log: recordingLog().log, wallNow: () => new Date() });
  director.listen({
    onChange: (virtual, real) => changes.push(`${virtual.config.name} ${real.config.name}`),
  });
  const ask = (line: string) => answer({ director, processFigures: readProcessFigures }, line);
  return { ask, changes, web: virtuals[0] as Virtual, director };
}

it('lists virtuals', () => {
  expect(services().ask('vlist')).toEqual([
    `v:0 ${WEB_HEAD}`,
    'v:1 vname=a_mark vproto=fwmark vaddr=0.0.0.0 vport=0 vfwmark=7 vrt=tun vsched=rr',
    'v:2 vname=mark6 vproto=fwmark vaddr=:: vport=0 vfwmark=7 vrt=tun vsched=rr',
    'v:3 vname=six vproto=udp vaddr=2001:db8::1 vport=53 vfwmark=0 vrt=dr vsched=wrr',
  ]);
});

describe('rlist', () => {
  it('lists the reals of a virtual as they are', () => {
    const { ask, web } = services();
    Object.assign(web.reals[1] as object, {
      health: { online: false, successes: 0, failures: 1 },
      adminState: 'OFFLINE',
    });
    expect(ask(`rlist ${WEB}`)).toEqual([
      WEB_HEAD,
      'r:0 rname=w1 raddr=10.0.0.11 rport=80 currwgt=10 confwgt=10 ronline=TRUE rstate=ONLINE',
      'r:1 rname=w_2 raddr=10.0.0.12 rport=80 currwgt=0 confwgt=20 ronline=FALSE rstate=OFFLINE',
    ]);
  });

  it.each([
    ['rlist vfwmark=7 vproto=fwmark vaddr=0.0.0.0', 'a_mark'],
    ['rlist vproto=fwmark vfwmark=7 vaddr=::', 'mark6'],
  ])('finds by %j, and says where there are none', (line, name) => {
    const [head, ...rest] = services().ask(line);
    expect(head).toMatch(`vname=${name} `);
    expect(rest).toEqual(['EMPTY LIST - no reals defined in virtual']);
  });

  it('asks for the family of a mark that both have', () => {
    const answer = 'cmd_find_virt: the mark has two families, add vaddr=0.0.0.0 or vaddr=::';
    expect(services().ask('rlist vproto=fwmark vfwmark=7')).toEqual([answer]);
    expect(services().ask('rlist vproto=fwmark vfwmark=7 vaddr=junk')).toEqual([
      'cmd_find_virt: Virt not found',
    ]);
  });

  it.each(['2001:db8::1', '2001:DB8:0::1', '[2001:db8::1]'])('finds an IPv6 virtual by %s', (address) => {
    expect(services().ask(`rlist vproto=udp vaddr=${address} vport=53`)).toHaveLength(2);
  });
});

describe('rset', () => {
  it('sets nothing when a key is misspelt', () => {
    const { ask, web } = services();
    expect(ask(`rset ${WEB} raddr=10.0.0.11 rport=80 rstat=OFFLINE rweight=5`)).toEqual([
      'cmd_rset: unknown argument [rstat]',
    ]);
    expect(web.reals[0]).toMatchObject({ adminState: 'ONLINE', override: undefined });
  });

  it.each([
    // orders, the last answer, weight and state afterwards
    [['rweight=7'], 'Set: rstate=ONLINE, weight=7, inpercent=FALSE', 7, 'ONLINE'],
    [['rweight=50%'], 'Set: rstate=ONLINE, weight=50, inpercent=TRUE', 5, 'ONLINE'],
    [['rweight=0'], 'Set: rstate=ONLINE, weight=0, inpercent=FALSE', 0, 'ONLINE'],
    [['rstate=OFFLINE'], 'Set: rstate=OFFLINE, weight=10, inpercent=FALSE', 0, 'OFFLINE'],
    [['rstate=OFFLINE rweight=7'], 'Set: rstate=OFFLINE, weight=7, inpercent=FALSE', 0, 'OFFLINE'],
    [['rstate=DOWN'], 'Set: rstate=DOWN, weight=10, inpercent=FALSE', 0, 'DOWN'],
    // what is not given stays
    [['rweight=7', 'rstate=OFFLINE'], 'Set: rstate=OFFLINE, weight=7, inpercent=FALSE', 0, 'OFFLINE'],
    [
      ['rweight=7', 'rstate=DOWN', 'rstate=ONLINE'],
      'Set: rstate=ONLINE, weight=7, inpercent=FALSE',
      7,
      'ONLINE',
    ],
    [['rstate=OFFLINE', 'rweight=50%'], 'Set: rstate=OFFLINE, weight=50, inpercent=TRUE', 0, 'OFFLINE'],
  ] as const)('does %j', (orders, last, weight, state) => {
    const { ask, changes } = services();
    const answers = orders.map((order) => ask(`rset ${W1} ${order}`));
    expect(answers.at(-1)).toEqual([last]);
    const current = new RegExp(`currwgt=${weight} confwgt=10 ronline=TRUE rstate=${state}$`);
    expect(ask(`rlist ${WEB}`)[1]).toMatch(current);
    expect(changes).toEqual(orders.map(() => 'web w1'));
  });

  it.each(['rweight=10', 'rweight=100%'])('forgets the override at rstate=ONLINE %s', (weight) => {
    const { ask, web } = services();
    ask(`rset ${W1} rstate=OFFLINE rweight=7`);
    expect(web.reals[0]?.override).toEqual({ kind: 'absolute', weight: 7 });
    ask(`rset ${W1} rstate=ONLINE ${weight}`);
    expect(web.reals[0]?.override).toBeUndefined();
  });
});

it.each([
  ['', 'Invalid request! []'],
  ['  nonsense a=1 ', 'Invalid request! [nonsense a=1]'],
  ['VLIST', 'Invalid request! [VLIST]'],
  ['toString', 'Invalid request! [toString]'],
  ['rlist tcp', 'Invalid request! [rlist tcp]'],
  [`rlist ${WEB} vport=80`, `Invalid request! [rlist ${WEB} vport=80]`],
  ['rlist', 'cmd_find_virt: No vproto specified'],
  ['rlist vproto=tcp', 'cmd_find_virt: Virt not found'],
  ['rlist vproto=udp vaddr=192.168.0.1 vport=80', 'cmd_find_virt: Virt not found'],
  ['rlist vproto=tcp vaddr=192.168.0.1 vport=65616', 'cmd_find_virt: Virt not found'],
  ['rlist vproto=tcp vaddr=192.168.0 vport=80', 'cmd_find_virt: Virt not found'],
  ['rlist vproto=fwmark', 'cmd_find_virt: Virt not found'],
  ['rlist vproto=fwmark vfwmark=8', 'cmd_find_virt: Virt not found'],
  ['rset vproto=tcp', 'cmd_find_virt: Virt not found'],
  [`rset ${WEB}`, 'cmd_find_real: raddr not found'],
  [`rset ${WEB} raddr=10.0.0.11`, 'cmd_find_real: Real not found'],
  [`rset ${WEB} raddr=10.0.0.99 rport=80`, 'cmd_find_real: Real not found'],
  [`rset ${W1}`, "cmd_rset: you need to set at least 'rstate' or 'rweight'"],
  [`rset ${W1} rstate=UP`, 'cmd_rset: rstate unknown [UP]'],
  [`rset ${W1} rstate=online`, 'cmd_rset: rstate unknown [online]'],
  [`rset ${W1} rweight=`, 'cmd_rset: rweight unknown []'],
  [`rset ${W1} rweight=65536`, 'cmd_rset: rweight unknown [65536]'],
  [`rset ${W1} rweight=-1`, 'cmd_rset: rweight unknown [-1]'],
  [`rset ${W1} rweight=x%`, 'cmd_rset: rweight unknown [x%]'],
  [`rset ${W1} rstate=DOWN rweight=abc`, 'cmd_rset: rweight unknown [abc]'],
])('answers the mistake %j with one line, and changes nothing', (line, message) => {
  const { ask, changes } = services();
  expect(ask(line)).toEqual([message]);
  expect(changes).toEqual([]);
});

it('reports statistics in the original order, names padded to 15 columns', () => {
  const { ask, web, director } = services();
  ask(`rset ${W1} rstate=DOWN`);
  const real = web.reals[1] as NonNullable<(typeof web.reals)[1]>;
  director.observe(web, real, {
    ...{ verdict: { up: false, reason: 'timeout', detail: '' }, obstacle: undefined },
    ...{
      connectionProblem: 'silent',
      responseMs: 0,
      connectMs: 0,
      totalMs: 1,
      sentBytes: 5,
      receivedBytes: 6,
    },
  });
  const lines = ask('stats');
  expect(lines.filter((line) => line.startsWith('==='))).toEqual(
    ['global stats', 'real settings', 'real stats', 'tests stats', 'resource usage', 'memory usage'].map(
      (title) => `=== ${title} ===`,
    ),
  );
  const figures = lines.filter((line) => !line.startsWith('==='));
  const names = figures.map((line) => line.split(':')[0]?.trim());
  expect(names.slice(0, 30)).toEqual([
    ...['watchdog_pid', 'tester_pid', 'virtuals', 'reals'],
    ...['ronline', 'roffline', 'rdown', 'offline_size', 'override_size', 'success', 'failed'],
    ...['t_success', 't_failed', 't_online_set', 't_offline_set', 't_conn_problem', 't_arp_problem'],
    ...['t_rst_problem', 't_bytes_rcvd', 't_bytes_sent', 'user_time', 'system_time', 'block_in_ops'],
    ...[
      'block_out_ops',
      'messages_sent',
      'messages_rcvd',
      'signals_rcvd',
      'voluntary_ctx',
      'involunt_ctx',
      'fd_used',
    ],
  ]);
  expect(names.slice(30).every((name) => name?.startsWith('Vm'))).toBe(true);
  for (const line of figures) expect(line).toMatch(/^\w+ *: \S.*$/);
  expect(figures).toEqual(
    expect.arrayContaining([
      ...[
        `tester_pid     : ${process.pid}`,
        'virtuals       : 4',
        'reals          : 3',
        'ronline        : 2',
      ],
      ...['rdown          : 1', 'offline_size   : 1', 'override_size  : 1', 'success        : 2'],
      ...['failed         : 1', 't_failed       : 1', 't_offline_set  : 1', 't_conn_problem : 1'],
      ...['t_bytes_rcvd   : 6', 't_bytes_sent   : 5', expect.stringMatching(/^VmRSS {10}: \d+ kB$/)],
    ]),
  );
});
