import { expect, it } from 'vitest';
import type { Virtual } from '../state.js';
import { commandContext, someVirtuals, UP, W1, WALL_NOW, WEB, WEB_HEAD } from './context.test-kit.js';

/** w1 went offline and was set, and a program wrote something; w 2 did nothing. */
async function services() {
  const virtuals = someVirtuals();
  const kit = commandContext(virtuals);
  const web = virtuals[0] as Virtual;
  const verdict = { up: false, reason: 'content', detail: 'no\nluck' } as const;
  kit.director.observe(web, web.reals[0] as Virtual['reals'][0], { ...UP, verdict, output: 'a\nb\n' });
  await kit.ask(`rset ${W1} rweight=7`);
  return kit;
}

const ID = 'rname=w1 raddr=10.0.0.11 rport=80';
const W1_LINES = [
  `r:0 ${ID} currwgt=0 confwgt=10 ronline=FALSE rstate=ONLINE`,
  `h:0.0 ${ID} date=2026-11-20 time=10:07:14.921 event=offline detail=content: no\\nluck`,
  `h:0.1 ${ID} date=2026-11-20 time=10:07:14.921 event=set detail=rstate=ONLINE weight=7`,
  'failure: content: no\\nluck',
  'output: a',
  'output: b',
];
const W2_LINE = 'r:1 rname=w_2 raddr=10.0.0.12 rport=80 currwgt=20 confwgt=20 ronline=TRUE rstate=ONLINE';

it.each([
  ['a real', W1, [WEB_HEAD, ...W1_LINES]],
  ['a real without any', `${WEB} raddr=10.0.0.12 rport=80`, [WEB_HEAD, W2_LINE]],
  ['all reals of a virtual', WEB, [WEB_HEAD, ...W1_LINES, W2_LINE]],
])('shows the transitions of %s', async (_what, selector, lines) => {
  expect(await (await services()).ask(`history ${selector}`)).toEqual(lines);
});

it('says that a virtual has no reals', async () => {
  const lines = await (await services()).ask('history vproto=fwmark vfwmark=7 vaddr=::');
  expect(lines.slice(1)).toEqual(['EMPTY LIST - no reals defined in virtual']);
});

it('is a document, too', async () => {
  const at = WALL_NOW.toISOString();
  const { version, virtual, reals } = await (await services()).askDocument(`history ${WEB}`);
  expect({ version, name: virtual.name }).toEqual({ version: 1, name: 'web' });
  expect(reals).toEqual([
    expect.objectContaining({
      name: 'w1',
      failure: 'content: no\nluck',
      transitions: [
        { at, event: 'offline', detail: 'content: no\nluck' },
        { at, event: 'set', detail: 'rstate=ONLINE weight=7' },
      ],
      output: 'a\nb\n',
    }),
    expect.objectContaining({ name: 'w 2', failure: null, transitions: [], output: null }),
  ]);
});
