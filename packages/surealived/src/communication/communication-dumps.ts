import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@surealived/shared/clock';
import type { DirectorListener } from '../director.js';
import type { Trace } from '../engine/outcome.js';
import type { Reconfiguration } from '../reconfigure.js';
import { safeFileName } from '../safe-file-name.js';
import type { Real, Virtual } from '../state.js';
import { tryToMakeDirectory } from '../try-to-make-directory.js';
import type { WriteTroubles } from '../write-troubles.js';
import { TestDump } from './test-dump.js';

export interface CommunicationDumpsOptions {
  /** debug_comm_path. */
  readonly directory: string;
  readonly clock: Clock;
  readonly troubles: WriteTroubles;
}

/** What may wait for the disk, over all tests. */
const MAX_WAITING_BYTES = 1 << 24;

interface DumpedTest {
  readonly file: string;
  readonly dump: TestDump;
  /** Whether the file still holds the test before. */
  isNew: boolean;
}

/** The conversations of reals with `debugcomm`: each test replaces the file of the one before, `VNAME_RNAME`. */
export class CommunicationDumps implements DirectorListener {
  readonly #options: CommunicationDumpsOptions;
  /** The last test of each file with something to write. */
  readonly #waiting = new Map<string, DumpedTest>();
  /** Files whose last write failed. */
  readonly #failing = new Set<string>();
  #waitingBytes = 0;
  #isBusy = false;
  #idle: Promise<void> = Promise.resolve();

  constructor(options: CommunicationDumpsOptions) {
    this.#options = options;
    tryToMakeDirectory(options.directory);
  }

  /** For the scheduler, before each test. */
  traceOf(virtual: Virtual, real: Real): Trace | undefined {
    if (!virtual.config.testing.debugComm) return undefined;
    const { clock } = this.#options;
    const beganMs = clock.wallNow().getTime() - clock.nowMs();
    const test: DumpedTest = {
      file: this.#fileOf(virtual, real),
      dump: new TestDump(
        (atMs = clock.nowMs()) => beganMs + atMs,
        (bytes) => this.#note(test, bytes),
      ),
      isNew: true,
    };
    const superseded = this.#waiting.get(test.file)?.dump;
    this.#waitingBytes -= superseded?.unwrittenBytes ?? 0;
    superseded?.take();
    this.#wait(test);
    return test.dump;
  }

  onReconfigured({ virtuals }: Pick<Reconfiguration, 'virtuals'>): void {
    if (this.#failing.size === 0) return;
    const dumped = virtuals.filter(({ config }) => config.testing.debugComm);
    const files = new Set(
      dumped.flatMap((virtual) => virtual.reals.map((real) => this.#fileOf(virtual, real))),
    );
    for (const file of this.#failing) {
      if (files.has(file)) continue;
      this.#failing.delete(file);
      this.#options.troubles.forget(file);
    }
  }

  /** Waits for what is still on its way to the disk. */
  async stop(): Promise<void> {
    await this.#idle;
  }

  #fileOf(virtual: Virtual, real: Real): string {
    const name = `${safeFileName(virtual.config.name)}_${safeFileName(real.config.name)}`;
    return join(this.#options.directory, name);
  }

  #note(test: DumpedTest, bytes: number): boolean {
    if (this.#waitingBytes + bytes > MAX_WAITING_BYTES) return false;
    this.#waitingBytes += bytes;
    this.#wait(test);
    return true;
  }

  #wait(test: DumpedTest): void {
    this.#waiting.set(test.file, test);
    if (!this.#isBusy) this.#idle = this.#work();
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    await undefined; // entries of one turn become one write
    for (;;) {
      const [test] = this.#waiting.values();
      if (!test) break;
      this.#waiting.delete(test.file);
      await this.#write(test);
    }
    this.#isBusy = false;
  }

  async #write(test: DumpedTest): Promise<void> {
    const { file, dump, isNew } = test;
    this.#waitingBytes -= dump.unwrittenBytes;
    const data = dump.take();
    test.isNew = false;
    try {
      if (isNew) await writeFile(file, data);
      else await appendFile(file, data);
      this.#failing.delete(file);
      this.#options.troubles.written(file);
    } catch (error) {
      this.#failing.add(file);
      this.#options.troubles.failed(file, error, 1);
    }
  }
}
