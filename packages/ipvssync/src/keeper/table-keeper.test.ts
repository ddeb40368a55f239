import { createLogger } from '@surealived/shared/log';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OperationResult } from '../ipvs/operation-result.js';
import {
  type DesiredService,
  type DestinationConnections,
  destinationKey,
  type Operation,
  type Service,
  type ServiceId,
  serviceKey,
} from '../ipvs/table.js';
import { service } from '../ipvs/table.test-kit.js';
import { TableImage } from '../ipvs/table-image.js';
import { MemoryTable } from '../memory/memory-table.js';
import { KernelProtocolError } from '../wire/errors.js';
import { TableKeeper } from './table-keeper.js';

const REALS = ['10.0.0.11:80', '10.0.0.12:80', '10.0.0.13:80'];
const VIRTUALS = ['tcp 10.0.0.1:80', 'tcp 10.0.0.2:80'];
const DRAIN_SEC = 10;
const RESYNC_MS = 30_000;
/** Longer than the table is read in one turn: with it, a part is a turn. */
const PART_MS = 6;
/** The list of services, each of them, and what tells that there are no more. */
const MAX_TURNS = VIRTUALS.length + 2;

/** A memory table of which a test says what goes wrong, and how many connections there are. */
class TroubledTable extends MemoryTable {
  readonly deleted: { readonly name: string; readonly weight: number | undefined }[] = [];
  connections = 0;
  trouble: 'none' | 'refuses' | 'refuses some' | 'silent' | 'counts nothing' = 'none';
  refused: Operation['kind'] = 'addDestination';
  onPart: () => void = () => undefined;
  /** The table after each operation. */
  readonly history: (readonly Service[])[] = [];

  override async readConnections(id: ServiceId): Promise<readonly DestinationConnections[]> {
    this.#mayBeSilent('counts nothing');
    const all = await super.readConnections(id);
    return all.map((one) => ({ ...one, active: this.connections }));
  }

  /** Lists the services, and then reads the destinations of one after the other, as the kernel's does. */
  override async *readParts(): AsyncIterable<readonly Service[]> {
    const heads = await this.read();
    yield [];
    for (const head of heads) {
      this.onPart();
      const now = new TableImage(await this.read()).service(serviceKey(head));
      yield now ? [{ ...head, destinations: now.destinations }] : [];
    }
  }

  override async read(): Promise<readonly Service[]> {
    this.#mayBeSilent();
    return super.read();
  }

  override async apply(operations: readonly Operation[]): Promise<readonly OperationResult[]> {
    this.#mayBeSilent();
    const results: OperationResult[] = [];
    for (const operation of operations) results.push(await this.#carryOut(operation));
    return results;
  }

  async #carryOut(operation: Operation): Promise<OperationResult> {
    const isRefused =
      this.trouble === 'refuses' || (this.trouble === 'refuses some' && operation.kind === this.refused);
    if (isRefused) return { ok: false, errno: 'EBUSY' };
    if (operation.kind === 'deleteDestination')
      this.deleted.push({
        name: destinationKey(operation.destination),
        weight: operation.destination.weight,
      });
    const [result = { ok: false, errno: 'no result' }] = await super.apply([operation]);
    this.history.push(await super.read());
    return result;
  }

  #mayBeSilent(also?: TroubledTable['trouble']): void {
    if (this.trouble === 'silent' || this.trouble === also) throw new KernelProtocolError('no answer');
  }
}

type Step =
  | { readonly kind: 'want'; readonly virtual: number; readonly weights: readonly (number | undefined)[] }
  | { readonly kind: 'drift'; readonly virtual: number; readonly real: number; readonly weight: number }
  | { readonly kind: 'connections'; readonly count: number }
  | { readonly kind: 'trouble'; readonly trouble: TroubledTable['trouble'] }
  | { readonly kind: 'refuse'; readonly operation: Operation['kind'] }
  | { readonly kind: 'drainSec'; readonly drainSec: number }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'maxDeletes'; readonly maxDeletes: number }
  | { readonly kind: 'reload' }
  | { readonly kind: 'resync' };

const virtual = fc.nat({ max: VIRTUALS.length - 1 });
const weight = fc.constantFrom(0, 1, 5);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('want'),
      virtual,
      weights: fc.array(fc.option(weight, { nil: undefined, freq: 2 }), { minLength: 3, maxLength: 3 }),
    }),
  },
  fc.record({ kind: fc.constant('drift'), virtual, real: fc.nat({ max: 2 }), weight }),
  fc.record({ kind: fc.constant('connections'), count: fc.constantFrom(0, 0, 3) }),
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('trouble'),
      trouble: fc.constantFrom(
        'none',
        'none',
        'refuses',
        'refuses some',
        'refuses some',
        'silent',
        'counts nothing',
      ),
    }),
  },
  fc.record({
    kind: fc.constant('refuse'),
    operation: fc.constantFrom('addDestination', 'editDestination', 'deleteDestination'),
  }),
  fc.record({ kind: fc.constant('drainSec'), drainSec: fc.constantFrom(0, DRAIN_SEC) }),
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('wait'), ms: fc.constantFrom(1, 1, 100, 1_000, 5_000) }),
  },
  fc.record({ kind: fc.constant('maxDeletes'), maxDeletes: fc.constantFrom(0, 1, Number.POSITIVE_INFINITY) }),
  fc.record({ kind: fc.constant('reload') }),
  fc.record({ kind: fc.constant('resync') }),
) as fc.Arbitrary<Step>;

/** A keeper with its table and its clock, and what is desired of it. */
class Kept {
  readonly table = new TroubledTable();
  readonly desired = new Map<string, DesiredService>();
  nowMs = 0;
  drainSec = DRAIN_SEC;
  maxDeletes = Number.POSITIVE_INFINITY;
  readonly keeper = new TableKeeper({
    table: this.table,
    policy: () => ({ deleteUnmanaged: false, maxDeletes: this.maxDeletes }),
    resyncIntervalMs: () => RESYNC_MS,
    log: createLogger('test', { level: 'error', sink: { write: () => undefined } }),
    clock: { nowMs: () => this.nowMs, wallNow: () => new Date(0) },
    desired: () => [...this.desired.values()],
  });

  async begin(): Promise<void> {
    this.table.onPart = () => {
      this.nowMs += PART_MS;
    };
    for (const name of VIRTUALS) this.want(name, [1, 1, 1]);
    await this.keeper.synchroniseAll();
  }

  want(name: string, weights: readonly (number | undefined)[]): DesiredService {
    const reals = REALS.flatMap((real, i) => {
      const weight = weights[i];
      return weight === undefined ? [] : [[real, weight] as const];
    });
    const wanted = { ...service(name, {}, ...reals), drainTimeoutSec: this.drainSec };
    this.desired.set(serviceKey(wanted), wanted);
    return wanted;
  }

  async do(step: Step): Promise<void> {
    switch (step.kind) {
      case 'want':
        return this.keeper.synchroniseSome([this.want(VIRTUALS[step.virtual] ?? '', step.weights)]);
      case 'drift':
        return this.#drift(VIRTUALS[step.virtual] ?? '', REALS[step.real] ?? '', step.weight);
      case 'connections':
        this.table.connections = step.count;
        return;
      case 'trouble':
        this.table.trouble = step.trouble;
        return;
      case 'refuse':
        this.table.refused = step.operation;
        return;
      case 'drainSec':
        this.drainSec = step.drainSec;
        for (const [key, wanted] of this.desired)
          this.desired.set(key, { ...wanted, drainTimeoutSec: step.drainSec });
        return this.keeper.synchroniseAll();
      case 'wait':
        return this.wait(step.ms);
      case 'maxDeletes':
        this.maxDeletes = step.maxDeletes;
        return;
      case 'reload':
        return this.keeper.synchroniseAll(this.keeper.permit());
      case 'resync':
        return this.keeper.lookAfter(true);
    }
  }

  /** Lets time pass, with a look at least every two seconds and whenever one is due. */
  async wait(ms: number): Promise<void> {
    const endMs = this.nowMs + ms;
    for (let turns = 0; this.nowMs < endMs; turns++) {
      const wakesAtMs = Math.min(endMs, this.nowMs + 2_000, this.keeper.dueAtMs);
      this.nowMs = Math.max(this.nowMs, wakesAtMs);
      await this.keeper.lookAfter(false);
      const isReading = this.keeper.dueAtMs === Number.NEGATIVE_INFINITY && turns < MAX_TURNS;
      if (isReading) continue;
      expect(this.keeper.dueAtMs, 'due in the past: the follower would spin').toBeGreaterThan(this.nowMs);
      turns = 0;
    }
  }

  async #drift(name: string, real: string, weight: number): Promise<void> {
    const { trouble } = this.table;
    this.table.trouble = 'none';
    const head = service(name, {}, [real, weight]);
    for (const destination of head.destinations)
      await this.table.apply([{ kind: 'editDestination', service: head, destination, before: destination }]);
    this.table.trouble = trouble;
  }

  serving(services: readonly Service[]): ReadonlySet<string> {
    const image = new TableImage(services);
    return new Set(services.map(serviceKey).filter((key) => image.canServe(key)));
  }

  async weights(): Promise<Record<string, string>> {
    return weightsOf(await this.table.read());
  }
}

function weightsOf(services: Iterable<Service>): Record<string, string> {
  const of = ({ destinations }: Service): string =>
    destinations
      .map((real) => `${destinationKey(real)}=${real.weight}`)
      .sort()
      .join(' ');
  return Object.fromEntries([...services].map((one) => [serviceKey(one), of(one)]));
}

describe('TableKeeper', () => {
  it('ends with the table as desired whatever happened before, and never sleeps for no time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), async (steps) => {
        const one = new Kept();
        await one.begin();
        for (const step of steps) await one.do(step);
        await one.do({ kind: 'trouble', trouble: 'none' });
        await one.do({ kind: 'maxDeletes', maxDeletes: Number.POSITIVE_INFINITY });
        await one.wait(2 * RESYNC_MS + DRAIN_SEC * 1000);
        expect(await one.weights()).toEqual(weightsOf(one.desired.values()));
        expect(one.keeper.status.failing).toEqual([]);
        if (!steps.some(({ kind }) => kind === 'drift')) expect(one.keeper.status.driftCount).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  it('empties no virtual that serves and shall serve, whatever is refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), async (steps) => {
        const one = new Kept();
        await one.begin();
        for (const step of steps.filter(({ kind }) => kind !== 'drift')) {
          const before = one.serving(one.table.history.at(-1) ?? []);
          const from = one.table.history.length;
          await one.do(step);
          const shall = one.serving([...one.desired.values()]);
          for (const table of one.table.history.slice(from))
            for (const key of before) if (shall.has(key)) expect([...one.serving(table)]).toContain(key);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('deletes nothing that has connections before its time, and nothing that was not at weight 0', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), async (steps) => {
        const one = new Kept();
        await one.begin();
        one.table.connections = 3;
        const begunAtMs = one.nowMs;
        for (const step of steps.filter(({ kind }) => !['connections', 'drift', 'drainSec'].includes(kind))) {
          await one.do(step);
          if (one.nowMs - begunAtMs < DRAIN_SEC * 1000) expect(one.table.deleted).toEqual([]);
          for (const { name, weight } of one.table.deleted) expect(weight, name).toBe(0);
        }
      }),
      { numRuns: 200 },
    );
  });
});
