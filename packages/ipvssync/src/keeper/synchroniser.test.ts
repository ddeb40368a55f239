import { systemClock } from '@surealived/shared/clock';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeOperation } from '../ipvs/describe.js';
import type { OperationResult } from '../ipvs/operation-result.js';
import {
  type Destination,
  type DestinationConnections,
  type IpvsTable,
  type Operation,
  type Service,
  type ServiceId,
  serviceKey,
} from '../ipvs/table.js';
import { arbitraryTable, destination, service, sorted } from '../ipvs/table.test-kit.js';
import { TableImage } from '../ipvs/table-image.js';
import { MemoryTable } from '../memory/memory-table.js';
import type { Round } from '../plan/round.js';
import { Synchroniser } from './synchroniser.js';

/** A memory table that counts what it is asked, and into whose work a test can step. */
class WatchedTable extends MemoryTable {
  reads = 0;
  readonly applied: string[] = [];
  /** Of each destination. */
  connections = 0;
  /** Runs before an `apply`. */
  before: (() => Promise<void>) | undefined;

  override read(): Promise<readonly Service[]> {
    this.reads++;
    return super.read();
  }

  override async readConnections(service: ServiceId): Promise<readonly DestinationConnections[]> {
    const all = await super.readConnections(service);
    return all.map((one) => ({ ...one, inactive: this.connections }));
  }

  override async apply(operations: readonly Operation[]): Promise<readonly OperationResult[]> {
    const step = this.before;
    this.before = undefined;
    await step?.();
    this.applied.push(...operations.map(describeOperation));
    return super.apply(operations);
  }
}

const synchroniser = (table: IpvsTable, deleteUnmanaged = false): Synchroniser =>
  new Synchroniser(table, () => ({ deleteUnmanaged }), systemClock);
const reasons = ({ failures }: Round): readonly string[] => [...failures.values()];

describe('Synchroniser', () => {
  const web = service('tcp 10.0.0.1:80', {}, ['10.0.0.11:80', 1]);
  const heavier = service('tcp 10.0.0.1:80', {}, ['10.0.0.11:80', 9]);
  const dns = service('udp 10.0.0.2:53', {}, ['10.0.0.21:53', 1]);

  it('makes any table any other, and empties on the way no service that serves before and after', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryTable, arbitraryTable, async (desired, actual) => {
        const table = new WatchedTable(actual);
        const { done, ...round } = await synchroniser(table, true).synchronise(desired);
        expect(round).toMatchObject({ refusedCount: 0, drift: [], heldBack: undefined, leftAlone: [] });
        expect(sorted(await table.read())).toEqual(sorted(desired));
        const image = new TableImage(actual);
        const after = new TableImage(desired);
        const serving = desired.map(serviceKey).filter((key) => image.canServe(key) && after.canServe(key));
        for (const operation of done) {
          image.apply(operation);
          for (const key of serving) expect(image.canServe(key), describeOperation(operation)).toBe(true);
        }
      }),
    );
  });

  it('carries out all of one service before it comes to one far behind it', async () => {
    const many = Array.from({ length: 400 }, (_, i) => `10.1.${i >> 8}.${i & 255}:80`);
    const all = (real: string): Service[] =>
      ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4'].map((address) =>
        service(`tcp ${address}:80`, {}, ...many.map((where) => [where, 1] as const), [real, 1]),
      );
    const table = new WatchedTable(
      all('10.2.0.1:80').map((service) => ({ ...service, destinations: service.destinations.slice(-1) })),
    );
    await synchroniser(table).synchronise(all('10.2.0.2:80'));
    const removal = table.applied.indexOf('- tcp 10.0.0.1:80 real 10.2.0.1:80');
    expect(removal).toBeGreaterThan(0);
    expect(removal).toBeLessThan(table.applied.findIndex((line) => line.startsWith('+ tcp 10.0.0.4:80')));
  });

  it('writes nothing where nothing differs', async () => {
    const table = new WatchedTable([web, dns]);
    const round = await synchroniser(table).synchronise([dns, web]);
    expect(round).toMatchObject({ done: [], refusedCount: 0 });
    expect(table.applied).toEqual([]);
  });

  it('takes a small change to the table without reading it', async () => {
    const table = new WatchedTable([]);
    const own = synchroniser(table, true);
    await own.synchronise([web, dns]);
    const round = await own.synchroniseSome([heavier]);
    expect(round.done.map(describeOperation)).toEqual(['~ tcp 10.0.0.1:80 real 10.0.0.11:80 weight 1 -> 9']);
    expect(table.reads).toBe(1);
    expect(sorted(await table.read())).toEqual(sorted([heavier, dns]));
  });

  it('reads again and plans again where somebody else wrote in between', async () => {
    const table = new WatchedTable([]);
    const own = synchroniser(table);
    await own.synchronise([web, dns]);
    await table.apply([{ kind: 'deleteService', service: web }]);
    const round = await own.synchroniseSome([heavier]);
    expect(round).toMatchObject({ refusedCount: 0 });
    expect(round.drift.map(describeOperation)).toEqual(['- tcp 10.0.0.1:80']);
    expect(sorted(await table.read())).toEqual(sorted([heavier, dns]));
  });

  it('finds no drift in what it wrote itself, nor in what is not ours', async () => {
    const table = new WatchedTable([]);
    const own = synchroniser(table);
    await own.synchronise([web, dns]);
    await own.synchroniseSome([heavier]);
    await table.apply([{ kind: 'addService', service: service('tcp 10.0.0.9:80') }]);
    expect(await own.synchronise([heavier])).toMatchObject({ drift: [], done: [] });
    await table.apply([{ kind: 'deleteService', service: dns }]);
    expect(await own.synchronise([heavier])).toMatchObject({ drift: [] });
  });

  it('finds, where it may delete unknown services, those too', async () => {
    const table = new WatchedTable([]);
    const own = synchroniser(table, true);
    await own.synchronise([web]);
    await table.apply([{ kind: 'addService', service: dns }]);
    const round = await own.synchronise([web]);
    expect(round.drift.map(describeOperation)).toEqual(['+ udp 10.0.0.2:53 scheduler wrr']);
    expect(await table.read()).toEqual([web]);
  });

  it('counts a service with its reals, and deletes exactly as many as it may', async () => {
    const three = service('tcp 10.0.0.9:80', {}, ['10.0.0.11:80', 1], ['10.0.0.12:80', 1]);
    for (const [maxDeletes, count] of [
      [2, 3],
      [3, undefined],
    ] as const) {
      const table = new WatchedTable([three]);
      const own = new Synchroniser(table, () => ({ deleteUnmanaged: true, maxDeletes }), systemClock);
      const round = await own.synchronise([web]);
      expect(round.heldBack?.count).toBe(count);
      expect(round).toMatchObject({ refusedCount: 0 });
      expect((await table.read()).length).toBe(count === undefined ? 1 : 2);
      expect(await own.synchronise([web], () => true)).toMatchObject({ heldBack: undefined });
      expect(await table.read()).toEqual([web]);
    }
  });

  it('makes by no smaller round what a whole one held back', async () => {
    const two = service('tcp 10.0.0.1:80', {}, ['10.0.0.11:80', 1], ['10.0.0.12:80', 1]);
    const table = new WatchedTable([two, service('tcp 10.0.0.9:80')]);
    const own = new Synchroniser(table, () => ({ deleteUnmanaged: true, maxDeletes: 1 }), systemClock);
    expect(await own.synchronise([web])).toMatchObject({ heldBack: { count: 2 } });
    const round = await own.synchroniseSome([heavier]);
    expect(round.done.map(describeOperation)).toEqual(['~ tcp 10.0.0.1:80 real 10.0.0.11:80 weight 1 -> 9']);
    expect(round.heldBack).toBeUndefined(); // it was told before
    const both = service('tcp 10.0.0.1:80', {}, ['10.0.0.12:80', 3]);
    const next = await own.synchroniseSome([both]);
    expect(next.done.map(describeOperation)).toEqual([
      '~ tcp 10.0.0.1:80 real 10.0.0.12:80 weight 1 -> 3',
      '- tcp 10.0.0.1:80 real 10.0.0.11:80',
    ]);
    await own.synchronise([both], own.heldBack.permit());
    expect(await table.read()).toEqual([both]);
  });

  it('deletes at once what was held back, then wanted again, and leaves alone', async () => {
    const two = service('tcp 10.0.0.1:80', {}, ['10.0.0.11:80', 1], ['10.0.0.12:80', 1]);
    const table = new WatchedTable([two, service('tcp 10.0.0.9:80')]);
    const own = new Synchroniser(table, () => ({ deleteUnmanaged: true, maxDeletes: 1 }), systemClock);
    expect(await own.synchronise([web])).toMatchObject({ heldBack: { count: 2 } });
    await own.synchroniseSome([two]);
    await own.synchroniseSome([web]);
    expect(table.applied).toEqual(['- tcp 10.0.0.1:80 real 10.0.0.12:80']);
  });

  describe('with a service that drains', () => {
    const two = service('tcp 10.0.0.1:80', {}, ['10.0.0.11:80', 1], ['10.0.0.12:80', 5]);
    const one = { ...web, drainTimeoutSec: 60 };
    const both = { ...two, drainTimeoutSec: 60 };
    const weights = async (table: IpvsTable): Promise<string> =>
      (await table.read()).flatMap(({ destinations }) => destinations.map(({ weight }) => weight)).join(' ');

    it('sets what leaves to weight 0, and deletes it when its connections are gone', async () => {
      const table = new WatchedTable([two]);
      table.connections = 2;
      const own = synchroniser(table);
      const round = await own.synchroniseSome([one]);
      expect(round).toMatchObject({ refusedCount: 0, done: [{ isDrain: true }] });
      expect(await weights(table)).toBe('1 0');
      expect(own.drainsDueAtMs).toBeLessThan(Number.POSITIVE_INFINITY);
      expect(await own.findDrained()).toEqual([]);
      expect(await own.synchroniseSome([one])).toMatchObject({ done: [] });
      expect(own.drains).toMatchObject([{ connections: 2, isOver: false }]);
      table.connections = 0;
      expect(await own.findDrained()).toMatchObject([{ connections: 0 }]);
      await own.synchroniseSome([one]);
      expect(await weights(table)).toBe('1');
      expect(own.drains).toEqual([]);
    });

    it('gives what returns its weight back', async () => {
      const table = new WatchedTable([two]);
      table.connections = 2;
      const own = synchroniser(table);
      await own.synchroniseSome([one]);
      await own.synchroniseSome([both]);
      expect(table.applied.at(-1)).toBe('~ tcp 10.0.0.1:80 real 10.0.0.12:80 weight 0 -> 5');
      expect(own.drains).toEqual([]);
    });

    it('goes on where a process before it had begun', async () => {
      const table = new WatchedTable([
        service('tcp 10.0.0.1:80', {}, ['10.0.0.11:80', 1], ['10.0.0.12:80', 0]),
      ]);
      table.connections = 2;
      const own = synchroniser(table);
      expect(await own.synchronise([one])).toMatchObject({ done: [] });
      expect(own.drains).toHaveLength(1);
    });

    it('sets to weight 0 again what somebody else gave a weight, and calls that drift', async () => {
      const table = new WatchedTable([two]);
      table.connections = 2;
      const own = synchroniser(table);
      await own.synchronise([one]);
      const back = { ...two.destinations[1], weight: 5 } as Destination;
      await table.apply([{ kind: 'editDestination', service: two, destination: back, before: back }]);
      const round = await own.synchronise([one]);
      expect(round.drift.map(describeOperation)).toEqual([
        '~ tcp 10.0.0.1:80 real 10.0.0.12:80 weight 0 -> 5',
      ]);
      expect(await weights(table)).toBe('1 0');
    });

    it('counts what leaves among the deletions when it begins to drain, and then no more', async () => {
      const table = new WatchedTable([two]);
      const strict = new Synchroniser(table, () => ({ deleteUnmanaged: false, maxDeletes: 0 }), systemClock);
      expect(await strict.synchronise([one])).toMatchObject({ heldBack: { count: 1 }, done: [] });
      expect(await weights(table)).toBe('1 5');
      await strict.synchronise([one], () => true);
      expect(await weights(table)).toBe('1 0');
      await strict.findDrained();
      expect(await strict.synchroniseSome([one])).toMatchObject({ heldBack: undefined });
      expect(await weights(table)).toBe('1');
    });

    it('counts what was at weight 0 before it left when it has drained', async () => {
      const idle = service('tcp 10.0.0.1:80', {}, ['10.0.0.11:80', 1], ['10.0.0.12:80', 0]);
      const table = new WatchedTable([idle]);
      const strict = new Synchroniser(table, () => ({ deleteUnmanaged: false, maxDeletes: 0 }), systemClock);
      expect(await strict.synchronise([one])).toMatchObject({ heldBack: undefined, done: [] });
      expect(await strict.findDrained()).toHaveLength(1);
      expect(await strict.synchroniseSome([one])).toMatchObject({ heldBack: { count: 1 } });
      expect(await weights(table)).toBe('1 0');
      await strict.synchroniseSome([one], () => true);
      expect(await weights(table)).toBe('1');
    });

    it('leaves the last real to drain where none is wanted any more', async () => {
      const table = new WatchedTable([web]);
      table.connections = 1;
      await synchroniser(table).synchronise([{ ...service('tcp 10.0.0.1:80'), drainTimeoutSec: 60 }]);
      expect(await weights(table)).toBe('0');
    });

    it('does not look at the connections of a protected service', async () => {
      const table = new WatchedTable([service('tcp 10.0.0.1:80', {}, ['10.0.0.12:80', 0])]);
      const protect = new Set(['tcp 10.0.0.1:80']);
      const own = new Synchroniser(table, () => ({ deleteUnmanaged: false, protect }), systemClock);
      await own.synchronise([one]);
      expect(own.drains).toEqual([]);
    });
  });

  it('bears a table of more reals than a call takes arguments', async () => {
    const destinations = Array.from({ length: 150_000 }, (_, i) =>
      destination(`10.${1 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}:80`, 1),
    );
    const many = { ...service('tcp 10.0.0.1:80'), destinations };
    const table = new MemoryTable([]);
    const own = synchroniser(table);
    await own.synchronise([many]);
    const [first] = many.destinations;
    await table.apply(
      many.destinations
        .slice(1)
        .map((destination) => ({ kind: 'deleteDestination', service: many, destination })),
    );
    expect((await own.synchronise([many])).drift).toHaveLength(149_999);
    await own.synchronise([{ ...many, destinations: first ? [first] : [] }]);
    expect((await table.read())[0]?.destinations).toHaveLength(1);
  });

  it('does not read again for what no reading would mend', async () => {
    const table = new WatchedTable([web]);
    const odd = service('tcp 10.0.0.1:80', {}, ['10.0.0.11:80', 1], ['224.0.0.1:80', 1]);
    expect(await synchroniser(table).synchronise([odd])).toMatchObject({ refusedCount: 1 });
    expect(table.reads).toBe(1);
  });

  it('copes with a service that appears just before it is added', async () => {
    const table = new WatchedTable([]);
    table.before = async () => void (await table.apply([{ kind: 'addService', service: web }]));
    const round = await synchroniser(table).synchronise([web]);
    expect(round).toMatchObject({ refusedCount: 0 });
    expect(await table.read()).toEqual([web]);
  });

  it('tells what is refused again, and does all the rest', async () => {
    const broken = service('tcp 10.0.0.3:80', { scheduler: 'nosuch' }, ['10.0.0.31:80', 1]);
    const table = new WatchedTable([]);
    const round = await synchroniser(table).synchronise([broken, web, dns]);
    expect(round.refusedCount).toBe(2);
    expect(reasons(round)).toEqual(['add tcp 10.0.0.3:80: ENOENT (scheduler "nosuch" is not in the kernel)']);
    expect(sorted(await table.read())).toEqual(sorted([web, dns]));
  });

  it('keeps the last destination that serves when its replacement is refused', async () => {
    const table = new WatchedTable([web]);
    const desired = service('tcp 10.0.0.1:80', {}, ['224.0.0.1:80', 1]);
    const round = await synchroniser(table).synchronise([desired]);
    expect(reasons(round)[0]).toContain('add real 224.0.0.1:80 to tcp 10.0.0.1:80: EINVAL');
    expect(round.refusedCount).toBe(2);
    expect(await table.read()).toEqual([web]);
  });

  it('does not set the last destination to weight 0 either, in that case', async () => {
    const table = new WatchedTable([web]);
    const desired = service('tcp 10.0.0.1:80', {}, ['10.0.0.11:80', 0], ['224.0.0.1:80', 1]);
    await synchroniser(table).synchronise([desired]);
    expect(await table.read()).toEqual([web]);
  });

  it('deletes in spite of a refusal what leaves something that serves', async () => {
    const two = service('tcp 10.0.0.1:80', {}, ['10.0.0.11:80', 1], ['10.0.0.12:80', 1]);
    const table = new WatchedTable([two]);
    const desired = service('tcp 10.0.0.1:80', {}, ['10.0.0.11:80', 1], ['224.0.0.1:80', 1]);
    await synchroniser(table).synchronise([desired]);
    expect(await table.read()).toEqual([web]);
  });

  it('withholds nothing for a refusal that would have brought no capacity', async () => {
    const table = new WatchedTable([web]);
    const drained = service('tcp 10.0.0.1:80', { scheduler: 'nosuch' }, ['10.0.0.11:80', 0]);
    const round = await synchroniser(table).synchronise([drained]);
    expect(round.refusedCount).toBe(1);
    expect(await table.read()).toEqual([service('tcp 10.0.0.1:80', {}, ['10.0.0.11:80', 0])]);
  });

  it('names what is withheld', async () => {
    const desired = service('tcp 10.0.0.1:80', {}, ['224.0.0.1:80', 1]);
    const round = await synchroniser(new WatchedTable([web])).synchronise([desired]);
    expect(reasons(round)[0]).toMatch(
      /EINVAL.*; delete real 10\.0\.0\.11:80 .*: withheld, nothing else would serve$/,
    );
  });

  it('empties a service where that is what is desired', async () => {
    const table = new WatchedTable([web]);
    await synchroniser(table).synchronise([service('tcp 10.0.0.1:80')]);
    expect(await table.read()).toEqual([service('tcp 10.0.0.1:80')]);
  });

  it('deletes unknown services in a whole round alone, and only where it may', async () => {
    const table = new WatchedTable([web, dns]);
    const own = synchroniser(table, true);
    await own.synchroniseSome([heavier]);
    expect(sorted(await table.read())).toEqual(sorted([heavier, dns]));
    await own.synchronise([heavier]);
    expect(await table.read()).toEqual([heavier]);
  });

  it('reads the table before it writes again when the outcome of a round is unknown', async () => {
    const table = new WatchedTable([web]);
    const own = synchroniser(table);
    await own.synchronise([web]);
    table.before = async () => {
      throw new Error('no answer');
    };
    await expect(own.synchroniseSome([heavier])).rejects.toThrow('no answer');
    await own.synchroniseSome([heavier]);
    expect(table.reads).toBe(2);
    expect(await table.read()).toEqual([heavier]);
  });
});
