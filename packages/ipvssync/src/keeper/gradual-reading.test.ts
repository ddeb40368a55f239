import { systemClock } from '@surealived/shared/clock';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Service, serviceKey } from '../ipvs/table.js';
import { arbitraryTable, destination, service, sorted } from '../ipvs/table.test-kit.js';
import { MemoryTable } from '../memory/memory-table.js';
import { planChanges } from '../plan/plan.js';
import { Synchroniser } from './synchroniser.js';

/** Lists its services, and then reads the destinations of one after the other, as the kernel's does. */
class PartTable extends MemoryTable {
  readings = 0;
  failsAt = Number.NaN;

  override async *readParts(): AsyncIterable<readonly Service[]> {
    const listed = await this.read();
    yield [];
    for (const head of listed) {
      if (++this.readings === this.failsAt) throw new Error('no answer');
      const now = (await this.read()).filter((found) => serviceKey(found) === serviceKey(head));
      yield now.map(({ destinations }) => ({ ...head, destinations }));
    }
  }
}

/** Reads a part at a time, with `between` before each. */
async function readGradually(keeper: Synchroniser, between: (part: number) => Promise<unknown>) {
  keeper.startReading();
  let part = 0;
  do await between(part++);
  while (!(await keeper.readOn(0)));
}

const weighted = (table: readonly Service[], weight: number): Service[] =>
  table.map((one) => ({ ...one, destinations: one.destinations.map((real) => ({ ...real, weight })) }));
const open = (table: MemoryTable, deleteUnmanaged = false) =>
  new Synchroniser(table, () => ({ deleteUnmanaged }), systemClock);

describe('a reading in parts', () => {
  it('takes nothing for drift that we wrote meanwhile, wherever it falls', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryTable, fc.array(fc.nat({ max: 9 }), { maxLength: 6 }), async (all, whens) => {
        const table = new PartTable();
        const keeper = open(table);
        let desired: readonly Service[] = all;
        await keeper.synchronise(desired);
        await readGradually(keeper, async (part) => {
          for (const [i, when] of whens.entries()) {
            const target = desired[i % Math.max(desired.length, 1)];
            if (when !== part || !target) continue;
            const [changed] = weighted([target], 100 + i) as [Service];
            const destinations = i % 2 === 0 ? changed.destinations : changed.destinations.slice(1);
            const next = { ...changed, destinations, scheduler: ['lc', 'sed', 'nq'][i % 3] ?? '' };
            desired = desired.map((one) => (one === target ? next : one));
            await keeper.synchroniseSome([next]);
          }
        });
        const { drift, done } = await keeper.synchronise(desired);
        expect({ drift, done }).toEqual({ drift: [], done: [] });
        expect(sorted(await table.read())).toEqual(sorted(desired));
      }),
    );
  });

  it('finds and repairs what somebody else did before it began', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryTable, arbitraryTable, async (desired, foreign) => {
        const table = new PartTable();
        const keeper = open(table, true);
        await keeper.synchronise(desired);
        const others = planChanges(foreign, desired, { deleteUnmanaged: true });
        await table.apply(others);
        await readGradually(keeper, async () => undefined);
        const { drift } = await keeper.synchronise(desired);
        expect(drift).toHaveLength(others.length);
        expect(sorted(await table.read())).toEqual(sorted(desired));
      }),
    );
  });

  it('is the only one that is made', async () => {
    const table = new PartTable([service('tcp 10.0.0.1:80')]);
    const keeper = open(table);
    await readGradually(keeper, async () => undefined);
    expect(table.readings).toBe(1);
    table.read = () => Promise.reject(new Error('read again'));
    await keeper.synchronise([service('tcp 10.0.0.1:80')]);
  });

  it('is of no use where it failed, or is not whole', async () => {
    const all = [service('tcp 10.0.0.1:80', {}, ['10.0.0.11:80', 1]), service('tcp 10.0.0.2:80')];
    for (const failsAt of [2, Number.NaN]) {
      const table = new PartTable(all);
      table.failsAt = failsAt;
      const keeper = open(table);
      keeper.startReading();
      for (let part = 0; part < 2; part++) await keeper.readOn(0);
      if (failsAt === 2) await expect(keeper.readOn(0)).rejects.toThrow('no answer');
      expect((await keeper.synchronise(all)).done).toEqual([]);
    }
  });

  it('knows a service that was lost and made again meanwhile', async () => {
    const web = service('tcp 10.0.0.1:80', {}, ['10.0.0.11:80', 1]);
    const dns = service('udp 10.0.0.2:53', {}, ['10.0.0.21:53', 1]);
    const table = new PartTable();
    const keeper = open(table);
    await keeper.synchronise([web, dns]);
    await table.apply([{ kind: 'deleteService', service: dns }]);
    const heavier = { ...dns, destinations: [destination('10.0.0.21:53', 9)] };
    let drift: readonly unknown[] = [];
    await readGradually(keeper, async (part) => {
      if (part === 2) ({ drift } = await keeper.synchroniseSome([heavier]));
    });
    expect(drift).toHaveLength(1);
    expect(await keeper.synchronise([web, heavier])).toMatchObject({ done: [], drift: [] });
    expect(await table.read()).toHaveLength(2);
  });
});
