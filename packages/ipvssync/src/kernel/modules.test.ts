import { describe, expect, it } from 'vitest';
import type { OperationResult } from '../ipvs/operation-result.js';
import type { Operation } from '../ipvs/table.js';
import { destination, service } from '../ipvs/table.test-kit.js';
import { applyWithModules, ModuleLoader, modprobe, modulesOf } from './modules.js';

describe('modulesOf', () => {
  it('names them as the kernel asks for them', () => {
    expect(modulesOf(service('tcp 10.0.0.1:80', { scheduler: 'wrr' }))).toEqual(['ip_vs_wrr']);
    const calls = service('udp 10.0.0.1:5060', { scheduler: 'mh', persistenceEngine: 'sip' });
    expect(modulesOf(calls)).toEqual(['ip_vs_mh', 'ip_vs_pe_sip']);
  });
});

describe('ModuleLoader', () => {
  it('tries each module once, and remembers why one could not be loaded', async () => {
    const tried: string[] = [];
    const loader = new ModuleLoader(async (module) => {
      tried.push(module);
      return module === 'good' ? undefined : `${module}: no`;
    });
    expect(await loader.load(['bad', 'good', 'bad'])).toBe(true);
    expect(await loader.load(['good', 'bad'])).toBe(false);
    expect(await loader.load(['worse'])).toBe(false);
    expect(tried).toEqual(['bad', 'good', 'worse']);
    expect(loader.failureOf(['good'])).toBeUndefined();
    expect(loader.failureOf(['bad', 'good', 'worse'])).toBe('bad: no, worse: no');
  });
});

describe('applyWithModules', () => {
  const sh = service('tcp 10.0.0.1:80', { scheduler: 'sh' });
  const rr = service('tcp 10.0.0.2:80', { scheduler: 'rr' });
  const real = destination('10.0.0.11:80', 1);
  const operations: readonly Operation[] = [
    { kind: 'addService', service: sh },
    { kind: 'addDestination', service: sh, destination: real },
    { kind: 'editService', service: rr, before: rr },
    { kind: 'deleteDestination', service: rr, destination: real },
  ];
  const answers = (...errnos: string[]): OperationResult[] =>
    errnos.map((errno) => (errno === 'ok' ? { ok: true } : { ok: false, errno }));

  /** Carries out `operations` with these answers of the kernel, one list for each write. */
  async function apply(failure: string | undefined, ...writes: string[][]) {
    const written: string[] = [];
    const write = (some: readonly Operation[]): OperationResult[] => {
      written.push(some.map(({ kind, service }) => `${kind} ${service.address.text}`).join(', '));
      return answers(...(writes.shift() ?? []));
    };
    const results = await applyWithModules(operations, write, new ModuleLoader(async () => failure));
    return { written: written.slice(1), results };
  }

  it('writes again what a missing module held up, and that alone', async () => {
    const { written, results } = await apply(undefined, ['ENOENT', 'ESRCH', 'ok', 'ENOENT'], ['ok', 'ok']);
    expect(written).toEqual(['addService 10.0.0.1, addDestination 10.0.0.1']);
    expect(results).toEqual(answers('ok', 'ok', 'ok', 'ENOENT'));
  });

  it('says why there is no module, and writes nothing again', async () => {
    const { written, results } = await apply('no such module', ['ENOENT', 'ESRCH', 'ok', 'ok']);
    expect(written).toEqual([]);
    expect(results[0]).toEqual({ ok: false, errno: 'ENOENT', detail: 'no such module' });
    expect(results.slice(1)).toEqual(answers('ESRCH', 'ok', 'ok'));
  });

  it('tells a real that is not there from a missing module', async () => {
    const { written, results } = await apply(undefined, ['EEXIST', 'EEXIST', 'ok', 'ENOENT']);
    expect(written).toEqual([]);
    expect(results).toEqual(answers('EEXIST', 'EEXIST', 'ok', 'ENOENT'));
  });
});

describe('modprobe', () => {
  it('tells in one line why there is no such module, or no modprobe', async () => {
    expect(await modprobe('ip_vs_no_such_module')).toMatch(
      /^modprobe ip_vs_no_such_module: (status \d+|ENOENT)$/,
    );
  });
});
