import { systemClock } from '@surealived/shared/clock';
import { parseConfig } from '@surealived/shared/surealived-cfg';
import { TesterRegistry } from '@surealived/testers/registry';
import { expect, it } from 'vitest';
import type { VirtualConfig } from '../config/model.js';
import { packVirtual } from '../config/transfer.js';
import { reconfigure } from '../reconfigure.js';
import { realConfig, recordingLog, virtualConfig } from '../services.test-kit.js';
import { createVirtual } from '../state.js';
import type { Candidate } from './candidate.js';
import { Reloader } from './reloader.js';

const { config } = parseConfig('', 'surealived.cfg');
const web = virtualConfig([realConfig('w1')]);
const heavier = virtualConfig([realConfig('w1', { weight: 20 })]);

/** A reloader over `before`; each element of `candidates` is what one reading of the files gives. */
function reloaderOf(before: readonly VirtualConfig[], candidates: (Candidate | Promise<Candidate>)[]) {
  const { log, entries } = recordingLog();
  const registry = new TesterRegistry();
  const current = before.map(createVirtual);
  const applied: (readonly VirtualConfig[])[] = [];
  const reloader = new Reloader({
    running: config,
    verbosity: 1,
    clock: systemClock,
    log,
    loadRegistry: async () => registry,
    load: async () => candidates.shift() ?? expect.unreachable(),
    current: () => current.map((virtual) => virtual.config),
    apply: (virtuals) => {
      applied.push(virtuals);
      return reconfigure(current, virtuals);
    },
  });
  return { reloader, applied, log, messages: () => entries.map(({ msg }) => msg) };
}

function good(virtuals: readonly VirtualConfig[], own = {}): Candidate {
  return { ok: true, config: { ...config, ...own }, virtuals: virtuals.map(packVirtual), warnings: [] };
}

it('puts in force what differs, and takes the rest from what is in force', async () => {
  const other = virtualConfig([realConfig('w1')], {}, { port: 81 });
  const { reloader, applied, messages } = reloaderOf([web, other], [good([heavier, other])]);
  expect(await reloader.reload()).toMatchObject({ ok: true, problems: [], added: 0, removed: 0, changed: 1 });
  expect(applied[0]?.[0]).toStrictEqual(heavier);
  expect(applied[0]?.[1]).toBe(other);
  expect(messages()).toEqual(['configuration reloaded']);
  expect(reloader.last?.report.ok).toBe(true);
});

it('leaves everything as it is where anything is wrong, and says all of it', async () => {
  const problems = ['services.xml:2:3: wrong', 'services.xml:5:1: wrong too'];
  const { reloader, applied, messages } = reloaderOf([web], [{ ok: false, problems }]);
  expect(await reloader.reload()).toMatchObject({ ok: false, problems, changed: 0 });
  expect(applied).toEqual([]);
  expect(messages()).toEqual([...problems, 'reload failed, the running configuration stays']);
});

it('puts nothing in force once it is stopped, also not what is being read', async () => {
  const { reloader, applied } = reloaderOf([web], [good([heavier])]);
  const reload = reloader.reload();
  reloader.stop();
  expect(await reload).toMatchObject({ ok: false, problems: ['surealived is being stopped'] });
  expect(applied).toEqual([]);
});

it('takes a failure of its own for a reload that failed', async () => {
  const { reloader } = reloaderOf([web], [Promise.reject(new Error('no more threads'))]);
  expect(await reloader.reload()).toMatchObject({ ok: false, problems: ['no more threads'] });
});

it('reads the files again for whoever asks while they may already have been read, once for all of them', async () => {
  const { reloader, applied } = reloaderOf([web], [good([web]), good([heavier])]);
  const [first, second, third] = [reloader.reload(), reloader.reload(), reloader.reload()];
  expect(third).toBe(second);
  expect([await first, await second]).toMatchObject([{ changed: 0 }, { changed: 1 }]);
  expect(applied).toHaveLength(2);
});

it('logs as much as surealived.cfg now says, and the command line on top', async () => {
  const { reloader, log } = reloaderOf(
    [web],
    [good([web], { logging: 'warn' }), { ok: false, problems: [] }],
  );
  expect(await reloader.reload()).toMatchObject({ ok: true, warnings: [] });
  expect(log.level).toBe('info');
  await reloader.reload();
  expect(log.level).toBe('info');
});

it('names the settings of surealived.cfg that wait for a restart', async () => {
  const own = { maxfd: 4096, modules: 'tcp', protect: [...config.protect], resync_interval_sec: 7 };
  const { reloader } = reloaderOf([web], [good([web], own)]);
  expect((await reloader.reload()).warnings).toEqual(['maxfd: takes effect after a restart']);
});
