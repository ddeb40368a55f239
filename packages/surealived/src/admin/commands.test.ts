import { describe, expect, it } from 'vitest';
import type { Virtual } from '../state.js';
import { ConnectionStatistics } from '../statistics/connection-statistics.js';
import { answer } from './commands.js';
import type { CommandContext } from './context.js';
import { commandContext, someVirtuals, W1, WALL_NOW, WEB, WEB_HEAD } from './context.test-kit.js';

function services(own: Partial<CommandContext> = {}) {
  const virtuals = someVirtuals();
  const kit = commandContext(virtuals, own);
  const changes: string[] = [];
  kit.director.listen({
    onChange: (virtual, real) => changes.push(`${virtual.config.name} ${real.config.name}`),
  });
  return { ...kit, changes, web: virtuals[0] as Virtual };
}

it('lists virtuals', async () => {
  expect(await services().ask('vlist')).toEqual([
    `v:0 ${WEB_HEAD}`,
    'v:1 vname=a_mark vproto=fwmark vaddr=0.0.0.0 vport=0 vfwmark=7 vrt=tun vsched=rr',
    'v:2 vname=mark6 vproto=fwmark vaddr=:: vport=0 vfwmark=7 vrt=tun vsched=rr',
    'v:3 vname=six vproto=udp vaddr=2001:db8::1 vport=53 vfwmark=0 vrt=dr vsched=wrr',
  ]);
});

describe('rlist', async () => {
  it('lists the reals of a virtual as they are', async () => {
    const { ask, web } = services();
    Object.assign(web.reals[1] as object, {
      health: { online: false, successes: 0, failures: 1 },
      adminState: 'OFFLINE',
    });
    expect(await ask(`rlist ${WEB}`)).toEqual([
      WEB_HEAD,
      'r:0 rname=w1 raddr=10.0.0.11 rport=80 currwgt=10 confwgt=10 ronline=TRUE rstate=ONLINE',
      'r:1 rname=w_2 raddr=10.0.0.12 rport=80 currwgt=0 confwgt=20 ronline=FALSE rstate=OFFLINE',
    ]);
  });

  it.each([
    ['rlist vfwmark=7 vproto=fwmark vaddr=0.0.0.0', 'a_mark'],
    ['rlist vproto=fwmark vfwmark=7 vaddr=::', 'mark6'],
  ])('finds by %j, and says where there are none', async (line, name) => {
    const [head, ...rest] = await services().ask(line);
    expect(head).toMatch(`vname=${name} `);
    expect(rest).toEqual(['EMPTY LIST - no reals defined in virtual']);
  });

  it('asks for the family of a mark that both have', async () => {
    const answer = 'cmd_find_virt: the mark has two families, add vaddr=0.0.0.0 or vaddr=::';
    expect(await services().ask('rlist vproto=fwmark vfwmark=7')).toEqual([answer]);
    expect(await services().ask('rlist vproto=fwmark vfwmark=7 vaddr=junk')).toEqual([
      'cmd_find_virt: Virt not found',
    ]);
  });

  it.each(['2001:db8::1', '2001:DB8:0::1', '[2001:db8::1]'])(
    'finds an IPv6 virtual by %s',
    async (address) => {
      expect(await services().ask(`rlist vproto=udp vaddr=${address} vport=53`)).toHaveLength(2);
    },
  );
});

describe('rset', async () => {
  it('sets nothing when a key is misspelt', async () => {
    const { ask, web } = services();
    expect(await ask(`rset ${WEB} raddr=10.0.0.11 rport=80 rstat=OFFLINE rweight=5`)).toEqual([
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
  ] as const)('does %j', async (orders, last, weight, state) => {
    const { ask, changes } = services();
    const answers: (readonly string[])[] = [];
    for (const order of orders) answers.push(await ask(`rset ${W1} ${order}`));
    expect(answers.at(-1)).toEqual([last]);
    const current = new RegExp(`currwgt=${weight} confwgt=10 ronline=TRUE rstate=${state}$`);
    expect((await ask(`rlist ${WEB}`))[1]).toMatch(current);
    expect(changes).toEqual(orders.map(() => 'web w1'));
  });

  it.each(['rweight=10', 'rweight=100%'])('forgets the override at rstate=ONLINE %s', async (weight) => {
    const { ask, web } = services();
    await ask(`rset ${W1} rstate=OFFLINE rweight=7`);
    expect(web.reals[0]?.override).toEqual({ kind: 'absolute', weight: 7 });
    await ask(`rset ${W1} rstate=ONLINE ${weight}`);
    expect(web.reals[0]?.override).toBeUndefined();
  });
});

it.each([
  ['', 'Invalid request! []'],
  ['  nonsense a=1 ', 'Invalid request! [nonsense a=1]'],
  ['VLIST', 'Invalid request! [VLIST]'],
  ['vlistx', 'Invalid request! [vlistx]'],
  ['vlis', 'Invalid request! [vlis]'],
  ['vlist --jso', 'Invalid request! [vlist --jso]'],
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
  [`vset ${WEB}`, "cmd_vset: you need to set at least 'rstate' or 'rweight'"],
  [`vset ${WEB} rstate=UP`, 'cmd_vset: rstate unknown [UP]'],
  [`vset ${W1} rstate=DOWN`, 'cmd_vset: unknown argument [raddr]'],
  ['vset rstate=DOWN', 'cmd_find_virt: No vproto specified'],
  [`check ${WEB}`, 'cmd_find_real: raddr not found'],
  ['check vproto=tcp', 'cmd_find_virt: Virt not found'],
  [`history ${WEB} rport=80`, 'cmd_find_real: raddr not found'],
  [`history ${WEB} raddr=10.0.0.99 rport=80`, 'cmd_find_real: Real not found'],
  ['history', 'cmd_find_virt: No vproto specified'],
  [`rset ${W1}`, "cmd_rset: you need to set at least 'rstate' or 'rweight'"],
  [`rset ${W1} rstate=UP`, 'cmd_rset: rstate unknown [UP]'],
  [`rset ${W1} rstate=online`, 'cmd_rset: rstate unknown [online]'],
  [`rset ${W1} rweight=`, 'cmd_rset: rweight unknown []'],
  [`rset ${W1} rweight=65536`, 'cmd_rset: rweight unknown [65536]'],
  [`rset ${W1} rweight=-1`, 'cmd_rset: rweight unknown [-1]'],
  [`rset ${W1} rweight=x%`, 'cmd_rset: rweight unknown [x%]'],
  [`rset ${W1} rstate=DOWN rweight=abc`, 'cmd_rset: rweight unknown [abc]'],
])('answers the mistake %j with one line, and changes nothing', async (line, message) => {
  const { ask, changes } = services();
  expect(await ask(line)).toEqual([message]);
  expect(changes).toEqual([]);
});

describe('vset', () => {
  it('sets all reals of a virtual, and lists them', async () => {
    const { ask, changes } = services();
    expect(await ask(`vset ${WEB} rstate=OFFLINE`)).toEqual([
      'Set: reals=2',
      WEB_HEAD,
      'r:0 rname=w1 raddr=10.0.0.11 rport=80 currwgt=0 confwgt=10 ronline=TRUE rstate=OFFLINE',
      'r:1 rname=w_2 raddr=10.0.0.12 rport=80 currwgt=0 confwgt=20 ronline=TRUE rstate=OFFLINE',
    ]);
    expect(await ask(`vset ${WEB} rstate=ONLINE rweight=50%`)).toEqual([
      'Set: reals=2',
      WEB_HEAD,
      'r:0 rname=w1 raddr=10.0.0.11 rport=80 currwgt=5 confwgt=10 ronline=TRUE rstate=ONLINE',
      'r:1 rname=w_2 raddr=10.0.0.12 rport=80 currwgt=10 confwgt=20 ronline=TRUE rstate=ONLINE',
    ]);
    expect(changes).toEqual(['web w1', 'web w 2', 'web w1', 'web w 2']);
  });

  it('keeps what it is not told: a state of one, a weight of another', async () => {
    const { ask, web } = services();
    await ask(`rset ${W1} rweight=7 rstate=DOWN`);
    await ask(`vset ${WEB} rweight=100%`);
    expect(web.reals.map(({ adminState, override }) => [adminState, override])).toEqual([
      ['DOWN', { kind: 'percent', percent: 100 }],
      ['ONLINE', undefined],
    ]);
  });

  it('says that a virtual has no reals', async () => {
    expect(await services().ask('vset vproto=fwmark vfwmark=7 vaddr=:: rstate=DOWN')).toEqual([
      'Set: reals=0',
      'vname=mark6 vproto=fwmark vaddr=:: vport=0 vfwmark=7 vrt=tun vsched=rr',
      'EMPTY LIST - no reals defined in virtual',
    ]);
  });
});

describe('a setting', () => {
  it.each(['rset', 'vset'])('is answered by %s once it is on the disk', async (command) => {
    let write = (_isWritten: boolean): void => undefined;
    const settled = () => new Promise<boolean>((resolve) => (write = resolve));
    const { ask, changes } = services({ settled });
    const order: string[] = [];
    const asked = ask(`${command} ${command === 'rset' ? W1 : WEB} rstate=DOWN`).then(() =>
      order.push('answer'),
    );
    expect(changes).toContain('web w1');
    await new Promise(setImmediate);
    order.push('disk');
    write(true);
    await asked;
    expect(order).toEqual(['disk', 'answer']);
  });

  it.each([
    ['hangs', () => new Promise<boolean>(() => undefined)],
    ['is full', async () => false],
  ])('is answered as ever, and logged, when the disk %s', async (_what, settled) => {
    const { ask, entries } = services({ settled });
    expect(await ask(`rset ${W1} rstate=DOWN`)).toEqual(['Set: rstate=DOWN, weight=10, inpercent=FALSE']);
    expect(entries.at(-1)).toMatchObject({
      level: 'warn',
      msg: 'setting answered before it was on the disk',
    });
  });
});

describe('documents', () => {
  const web = {
    name: 'web',
    proto: 'tcp',
    addr: '192.168.0.1',
    port: 80,
    fwmark: 0,
    rt: 'dr',
    sched: 'wrr',
    tester: 'tcp',
    timeoutMs: 1000,
    realCount: 2,
    onlineCount: 2,
    weight: 30,
    floor: 0,
    heldCount: 0,
  };
  const w1 = {
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
    tests: 0,
    obstacle: null,
    failure: null,
    lastTransition: null,
    sentinel: null,
  };
  const w2 = { ...w1, name: 'w 2', addr: '10.0.0.12', weight: 20, configuredWeight: 20 };

  it('list virtuals', async () => {
    const { version, virtuals } = await services().askDocument('vlist');
    expect(version).toBe(1);
    expect(virtuals).toHaveLength(4);
    expect(virtuals[0]).toEqual(web);
    expect(virtuals[2]).toMatchObject({ name: 'mark6', proto: 'fwmark', addr: '::', fwmark: 7, weight: 0 });
  });

  it.each([`rlist ${WEB}`, `rlist --json ${WEB}`])('list reals by %j', async (line) => {
    const [text = ''] = await services().ask(line.includes('--json') ? line : `${line} --json`);
    expect(JSON.parse(text)).toEqual({ version: 1, virtuals: [{ ...web, reals: [w1, w2] }] });
  });

  it('list all reals when no virtual is named', async () => {
    const { virtuals } = await services().askDocument('rlist');
    expect(virtuals.map(({ reals }: { reals: readonly object[] }) => reals.length)).toEqual([2, 0, 0, 1]);
  });

  it('show what a setting made of the reals', async () => {
    const { askDocument } = services();
    const { virtuals } = await askDocument(`rset ${W1} rstate=OFFLINE rweight=50%`);
    const detail = 'rstate=OFFLINE weight=50%';
    const lastTransition = { at: WALL_NOW.toISOString(), event: 'set', detail };
    const set = { ...w1, weight: 0, rstate: 'OFFLINE', override: '50%', lastTransition };
    expect(virtuals).toEqual([{ ...web, weight: 20, reals: [set] }]);
    const all = await askDocument(`vset ${WEB} rstate=DOWN`);
    expect(all.virtuals[0].reals).toMatchObject([{ rstate: 'DOWN', override: '50%' }, { rstate: 'DOWN' }]);
  });

  it.each([
    ['rlist vproto=tcp', 'cmd_find_virt: Virt not found'],
    [`rset ${W1} rstate=UP`, 'cmd_rset: rstate unknown [UP]'],
    [`check ${WEB}`, 'cmd_find_real: raddr not found'],
  ])('tell the mistake of %j', async (line, error) => {
    expect(await services().askDocument(line)).toEqual({ version: 1, error });
  });

  it.each(['vlist', 'rlist', 'connstats'])('are made as they are read: %s', async (line) => {
    const connections = new ConnectionStatistics(() => WALL_NOW);
    const { context } = services({ connections: () => connections });
    const parts = (await answer(context, `${line} --json`))[Symbol.iterator]();
    let text = '';
    while (!text.includes('"web"')) text += parts.next().value;
    const last = context.director.virtuals.at(-1) as Virtual;
    last.config = { ...last.config, name: 'later' };
    for (let part = parts.next(); !part.done; part = parts.next()) text += part.value;
    expect(JSON.parse(text).virtuals.at(-1).name).toBe('later');
    expect(text.match(/\n/g)).toHaveLength(1);
  });

  it('are not made for what is no command', async () => {
    expect(await services().ask('vlistx --json')).toEqual(['Invalid request! [vlistx --json]']);
  });
});

describe('a bug', () => {
  const bug = new Error('oops');
  const broken = {
    troubles: () => {
      throw bug;
    },
    check: () => Promise.reject(bug),
  };

  it.each(['stats', `check ${W1}`])('in %j is logged with its stack and answered', async (line) => {
    const { ask, askDocument, entries } = services(broken);
    expect(await ask(line)).toEqual(['Internal error, see the log!']);
    expect(entries).toEqual([
      expect.objectContaining({ level: 'error', msg: 'admin command failed', command: line }),
    ]);
    expect(entries[0]?.stack).toMatch(/^Error: oops\n +at /);
    expect(await askDocument(line)).toEqual({ version: 1, error: 'Internal error, see the log!' });
  });

  it('half-way through a document ends it with a line of its own', async () => {
    const { ask, director } = services();
    Object.assign(director.virtuals[2] as Virtual, { reals: [undefined] });
    const [cut, error, ...rest] = await ask('rlist --json');
    expect(cut).toMatch(/^{"version":1,"virtuals":\[{"name":"web",/);
    expect(JSON.parse(error ?? '')).toEqual({ version: 1, error: 'Internal error, see the log!' });
    expect(rest).toEqual([]);
  });
});

it.each(['rset', 'vset', 'history', 'rlist', 'check'])('takes what listings printed: %s', async (command) => {
  const { ask } = services();
  const [virtual = ''] = await ask('vlist');
  const [, real = ''] = await ask(`rlist ${WEB}`);
  const [answer] = await ask(`${command} ${virtual} ${command === 'vset' ? 'rweight=5' : real}`);
  expect(answer).toBe(
    { rset: 'Set: rstate=ONLINE, weight=10, inpercent=FALSE', vset: 'Set: reals=2' }[command] ?? WEB_HEAD,
  );
});

it('lists its commands, one line each', async () => {
  const lines = await services().ask('help');
  expect(lines.map((line) => line.split(' ')[0])).toEqual(
    'vlist rlist rset vset stats connstats check history reload help'.split(' '),
  );
  expect(lines[0]).toBe('vlist - lists the virtuals');
  const { commands } = await services().askDocument('help');
  expect(commands[0]).toEqual({ name: 'vlist', operands: '', summary: 'lists the virtuals' });
});
