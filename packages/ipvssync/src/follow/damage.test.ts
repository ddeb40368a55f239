/**
 * What becomes of the table when the hand-over files are damaged: nothing that the undamaged lines do not ask for.
 *
 * @module
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { systemClock } from '@surealived/shared/clock';
import { SnapshotError } from '@surealived/shared/errors';
import { virtualKey } from '@surealived/shared/model';
import type { SnapshotVirtual } from '@surealived/shared/snapshot/format';
import { readDiffLine, readSnapshot } from '@surealived/shared/snapshot/read';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyDiffEntry } from '../handover/apply-diff.js';
import { Handover } from '../handover/handover.js';
import { DNS, diff, HandoverFiles, META, real, sealed, WEB } from '../handover/handover.test-kit.js';
import type { Service } from '../ipvs/table.js';
import { sorted } from '../ipvs/table.test-kit.js';
import { Synchroniser } from '../keeper/synchroniser.js';
import { MemoryTable } from '../memory/memory-table.js';
import { desiredService } from '../plan/desired.js';
import { damaged, damages } from './damage.test-kit.js';

const MUTATIONS = { numRuns: 10_000 };
const TIMEOUT_MS = 120_000;
/** The diff file that is damaged. */
const DIFF = 'diff_sync.5';
const VERDICT_AT_MS = 1_795_169_196_123;

const BEFORE = [WEB, real('10.0.0.11:80', 1), real('10.0.0.12:80', 1), DNS, real('10.0.0.21:53', 1)];
const AFTER = [WEB, real('10.0.0.11:80', 90), real('10.0.0.13:80', 1), DNS, real('10.0.0.21:53', 1)];
const CHANGES = [
  diff('addreal', '10.0.0.13:80', 30),
  diff('chgreal', '10.0.0.13:80', 30),
  diff('delreal', '10.0.0.12:80', 0),
  diff('chgreal', '10.0.0.21:53', 10, DNS),
  diff('chgreal', '10.0.0.11:80', 0),
].map((line, index) => sealed(line, VERDICT_AT_MS + index));

/** A follower's parts, without its waiting: what it read makes the table. */
class Site {
  readonly files = new HandoverFiles();
  readonly handover = new Handover(this.files.paths);
  readonly table = new MemoryTable([]);
  readonly #synchroniser = new Synchroniser(this.table, () => ({ deleteUnmanaged: true }), systemClock);

  /** Reads everything anew. @returns Whether it was taken. @throws What is not a refusal. */
  async load(): Promise<boolean> {
    try {
      await this.handover.load({ removeReloadFlag: false });
      return true;
    } catch (error) {
      if (!(error instanceof SnapshotError)) throw error;
      return false;
    } finally {
      await this.#synchroniser.synchronise([...this.handover.virtuals.values()].map(desiredService));
    }
  }

  async services(): Promise<readonly Service[]> {
    return sorted(await this.table.read());
  }
}

/** The table of a snapshot's lines. */
function tableOf(virtuals: Iterable<SnapshotVirtual>): readonly Service[] {
  return sorted([...virtuals].map(desiredService));
}

describe('a full snapshot of ours', { timeout: TIMEOUT_MS }, () => {
  async function site() {
    const one = new Site();
    one.files.writeSealed(1, 'a', ...BEFORE);
    one.files.appendDiff('a');
    await one.load();
    const before = await one.services();
    one.files.writeSealed(2, 'a', ...AFTER);
    const file = one.files.paths.full_sync_file;
    const whole = readFileSync(file);
    const after = tableOf(readSnapshot(whole.toString(), file).virtuals);
    /** Hands over those bytes instead, and looks at the table; one that is taken is replaced by the one before. */
    const expectTableAfter = async (bytes: Buffer): Promise<void> => {
      writeFileSync(file, bytes);
      const isTaken = await one.load();
      const isWhole = bytes.equals(whole);
      expect(isTaken).toBe(isWhole);
      expect(await one.services()).toEqual(isWhole ? after : before);
      if (!isTaken) return;
      one.files.writeFull('a', ...BEFORE); // which is of no generation, and so no older one
      await one.load();
    };
    return { whole, expectTableAfter };
  }

  it('changes the table as a whole or not at all, for every byte prefix', async () => {
    const { whole, expectTableAfter } = await site();
    for (let length = 0; length <= whole.length; length++) await expectTableAfter(whole.subarray(0, length));
  });

  it('changes the table as a whole or not at all, for 10,000 mutations', async () => {
    const { whole, expectTableAfter } = await site();
    await fc.assert(
      fc.asyncProperty(damages, (all) => expectTableAfter(damaged(whole, all))),
      MUTATIONS,
    );
  });
});

describe('files of the original', () => {
  const whole = Buffer.from(`${META}\nDIFF file=/d/1\n\n${AFTER.join('')}`);

  it('a full snapshot is refused or taken, and crashes neither the reader nor the table', async () => {
    const table = new MemoryTable([]);
    const synchroniser = new Synchroniser(table, () => ({ deleteUnmanaged: true }), systemClock);
    await fc.assert(
      fc.asyncProperty(damages, async (all) => {
        try {
          const { virtuals } = readSnapshot(damaged(whole, all).toString(), 'f');
          await synchroniser.synchronise(virtuals.map(desiredService));
        } catch (error) {
          if (!(error instanceof SnapshotError)) throw error;
        }
      }),
      MUTATIONS,
    );
  });

  it('a line of a diff is refused or taken, and does not crash the reader', () => {
    const line = Buffer.from(diff('chgreal', '10.0.0.11:80', 7));
    fc.assert(
      fc.property(damages, (all) => {
        for (const text of damaged(line, all).toString().split('\n')) {
          try {
            readDiffLine(text, 'd', 1);
          } catch (error) {
            if (!(error instanceof SnapshotError)) throw error;
          }
        }
      }),
      MUTATIONS,
    );
  });
});

describe('a diff of ours', { timeout: TIMEOUT_MS }, () => {
  const whole = Buffer.from(CHANGES.join(''));
  const sound = new Set(CHANGES.map((line) => line.trim()));

  /** The table after the lines that are as they were written, and whole. */
  function tableAfter(text: string, before: readonly SnapshotVirtual[]): readonly Service[] {
    const virtuals = new Map(before.map((virtual) => [virtualKey(virtual), virtual]));
    for (const line of text.split('\n').slice(0, -1)) {
      const change = sound.has(line.trim()) ? readDiffLine(line, 'd', 1, true) : undefined;
      if (change?.kind !== 'change') continue;
      const key = virtualKey(change.entry.virtual);
      const virtual = virtuals.get(key);
      if (virtual) virtuals.set(key, applyDiffEntry(virtual, change.entry));
    }
    return tableOf(virtuals.values());
  }

  async function site() {
    const one = new Site();
    one.files.writeSealed(1, DIFF, ...BEFORE);
    const { virtuals } = readSnapshot(readFileSync(one.files.paths.full_sync_file, 'utf8'), 'f');
    const expectTableAfter = async (bytes: Buffer): Promise<void> => {
      writeFileSync(one.files.diffPath(DIFF), bytes);
      expect(await one.load()).toBe(true);
      expect(await one.services()).toEqual(tableAfter(bytes.toString(), virtuals));
    };
    return { one, virtuals, expectTableAfter };
  }

  it('has the effect of its whole lines, for every byte prefix', async () => {
    const { expectTableAfter } = await site();
    for (let length = 0; length <= whole.length; length++) await expectTableAfter(whole.subarray(0, length));
  });

  it('has the effect of its undamaged lines, for 10,000 mutations', async () => {
    const { expectTableAfter } = await site();
    await fc.assert(
      fc.asyncProperty(damages, (all) => expectTableAfter(damaged(whole, all))),
      MUTATIONS,
    );
  });

  it('leads to the next diff or nowhere, whatever becomes of its end', async () => {
    const { one, virtuals } = await site();
    const { files } = one;
    files.appendDiff('diff_sync.4', sealed(diff('chgreal', '10.0.0.11:80', 4444), VERDICT_AT_MS));
    files.appendDiff('diff_sync.6', ...CHANGES.slice(2));
    const here = CHANGES.slice(0, 2).join('');
    const end = Buffer.from(files.next('diff_sync.6'));
    const possible = [here, here + CHANGES.slice(2).join('')].map((text) => tableAfter(text, virtuals));
    const expectTable = async (bytes: Buffer, tables: readonly (readonly Service[])[]): Promise<void> => {
      writeFileSync(files.diffPath(DIFF), Buffer.concat([Buffer.from(here), bytes]));
      expect(await one.load()).toBe(true);
      expect(tables).toContainEqual(await one.services());
    };
    await expectTable(end, possible.slice(1));
    await fc.assert(
      fc.asyncProperty(damages, (all) => expectTable(damaged(end, all), possible)),
      { numRuns: 2000 },
    );
  });
});
