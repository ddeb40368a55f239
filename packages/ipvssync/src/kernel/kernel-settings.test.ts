import { constants } from 'node:os';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planSettings, type Settings, type SettingsChange } from '../ipvs/settings.js';
import { arbitrarySettings, daemon } from '../ipvs/settings.test-kit.js';
import { changed, findSettingsRefusal, INITIAL_SETTINGS } from '../memory/memory-settings.js';
import { readAttrs } from '../wire/attr-reader.js';
import { type NetlinkMessage, NLM_F_ACK } from '../wire/genl.js';
import { daemonNest, readDaemon, readTimeouts, settingsRequest } from '../wire/ipvs-settings.js';
import { answer, connect, done, ipvsKernel, type Kernel, object } from './fake-kernel.test-kit.js';
import { KernelTable } from './kernel-table.js';
import { ModuleLoader } from './modules.js';

const FAMILY = 28;

/** A kernel with settings, by the rules of the memory table. */
function settingsKernel(settings: Settings = INITIAL_SETTINGS): Kernel {
  const ipvs = ipvsKernel();
  let current = settings;
  const serve = (request: NetlinkMessage): Buffer[] => {
    const command = request.type === FAMILY ? request.payload[0] : 0;
    if (command === 11)
      return [...current.daemons.map((one) => object(request, 2, daemonNest(one))), done(request)];
    if (command === 13) {
      const change = { kind: 'setTimeouts', timeouts: current.timeouts, before: current.timeouts } as const;
      const { fill } = settingsRequest(FAMILY, change);
      return [object(request, 0, (writer) => fill?.(writer)), answer(request, 0)];
    }
    if (command !== 9 && command !== 10 && command !== 12) return ipvs([request]);
    const change = changeOf(command, request);
    const errno = findSettingsRefusal(current, change);
    if (errno === undefined) current = changed(current, change);
    const number = errno === undefined ? 0 : constants.errno[errno as 'EEXIST'];
    return number !== 0 || request.flags & NLM_F_ACK ? [answer(request, number)] : [];
  };
  return (requests) => requests.flatMap(serve);
}

function changeOf(command: 9 | 10 | 12, request: NetlinkMessage): SettingsChange {
  if (command === 12) {
    const timeouts = readTimeouts(request);
    return { kind: 'setTimeouts', timeouts, before: timeouts };
  }
  const [nest] = [...readAttrs(request.payload.subarray(4))];
  if (!nest) throw new Error('no daemon in the request');
  if (command === 9) return { kind: 'startDaemon', daemon: readDaemon(nest) };
  const [state] = [...nest.nested()];
  return { kind: 'stopDaemon', daemon: daemon(state?.u32() === 1 ? 'master' : 'backup') };
}

const NO_MODULES = new ModuleLoader(async () => 'no modules here');

describe('KernelSettings', () => {
  it('reads what there is, and makes it what is planned', async () => {
    await fc.assert(
      fc.asyncProperty(arbitrarySettings, arbitrarySettings, async (wanted, actual) => {
        const { settings } = KernelTable.open(connect(settingsKernel(actual)), NO_MODULES);
        expect(await settings.read()).toEqual(actual);
        for (const change of planSettings(wanted, actual))
          expect(await settings.apply(change)).toEqual({ ok: true });
        expect(await settings.read()).toEqual(wanted);
      }),
    );
  });

  it('has its answer where the kernel gives none to the change, because what it stops had not yet run', async () => {
    const kernel = settingsKernel({ ...INITIAL_SETTINGS, daemons: [daemon('master')] });
    const silent: Kernel = (requests) =>
      requests.flatMap((request) => {
        const answers = kernel([request]);
        return request.payload[0] === 10 ? [] : answers;
      });
    const { settings } = KernelTable.open(connect(silent), NO_MODULES);
    expect(await settings.apply({ kind: 'stopDaemon', daemon: daemon('master') })).toEqual({ ok: true });
    expect((await settings.read()).daemons).toEqual([]);
  });

  it('names the errno of a change that is refused', async () => {
    const { settings } = KernelTable.open(connect(settingsKernel()), NO_MODULES);
    const outcomes = [
      await settings.apply({ kind: 'stopDaemon', daemon: daemon('master') }),
      await settings.apply({ kind: 'startDaemon', daemon: daemon('master', { device: 'nosuch0' }) }),
      await settings.apply({ kind: 'startDaemon', daemon: daemon('master') }),
      await settings.apply({ kind: 'startDaemon', daemon: daemon('master') }),
    ];
    expect(outcomes.map((outcome) => (outcome.ok ? 'ok' : outcome.errno))).toEqual([
      'ESRCH',
      'ENODEV',
      'ok',
      'EEXIST',
    ]);
  });
});
