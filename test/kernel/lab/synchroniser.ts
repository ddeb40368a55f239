import { appendFileSync, chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { StatusDocument } from 'ipvssync/status/status-document';
import { scriptOf } from '../../daemons/daemon-process.js';
import { HandoverDirectory } from '../../daemons/handover-directory.js';
import type { LabProcess } from './lab-process.js';
import type { Namespace } from './namespace.js';

const START_TIMEOUT_MS = 20_000;

/** An ipvssync with hand-over files that the scenario writes, in the place of a surealived. */
export class Synchroniser {
  readonly #namespace: Namespace;
  readonly #directory: HandoverDirectory;
  readonly #prefix: readonly string[];
  #diffNumber = 1;

  /**
   * Makes hand-over files that everybody may read. Nothing is started yet.
   *
   * @param settings Further lines of surealived.cfg.
   * @param prefix A command that starts another one, such as `setpriv …`.
   */
  constructor(
    namespace: Namespace,
    settings: Readonly<Record<string, string | number>>,
    prefix: readonly string[] = [],
  ) {
    this.#namespace = namespace;
    this.#directory = new HandoverDirectory(settings);
    this.#prefix = prefix;
    chmodSync(this.#directory.path, 0o755);
    mkdirSync(this.#directory.diffs);
    writeFileSync(this.#directory.lock, '');
    writeFileSync(this.#diff, '');
  }

  /** @param lines Of a full snapshot, without `meta`. */
  writeSnapshot(...lines: readonly string[]): void {
    const head = ['meta version=1.0 mdate=2026-11-20 mtime=10:06:36', `DIFF file=${this.#diff}`];
    writeFileSync(this.#directory.snapshot, `${[...head, ...lines].join('\n')}\n`);
  }

  appendDiff(line: string): void {
    appendFileSync(this.#diff, `${line}\n`);
  }

  /** Goes on in another diff file, as surealived does with each full snapshot. */
  rotateDiff(): void {
    const last = this.#diff;
    this.#diffNumber++;
    writeFileSync(this.#diff, '');
    appendFileSync(last, `DIFF file=${this.#diff}\n`);
  }

  setReloadFlag(): void {
    writeFileSync(this.#directory.reloadFlag, '');
  }

  /** Starts the daemon and waits until the table and the settings are made. */
  async follow(...args: readonly string[]): Promise<LabProcess> {
    const started = await this.#namespace.spawn([...this.#command, ...args], { name: 'ipvssync' });
    await started.waitForLine(/"snapshot read"/, START_TIMEOUT_MS);
    return started;
  }

  /** Runs it to its end, as `--role` does. @returns Its output. */
  run(...args: readonly string[]): Promise<string> {
    return this.#namespace.run([...this.#command, ...args]);
  }

  /** How the one that follows fares, by its socket: no program is started for it. */
  async readStatus(): Promise<StatusDocument> {
    return JSON.parse(await text(connect(this.#directory.statusSocket)));
  }

  /** The same by `--status --json`. */
  async status(): Promise<{ readonly exit: number | null; readonly document: StatusDocument }> {
    const asked = await this.#namespace.spawn([...this.#command, '--status', '--json'], { quiet: true });
    const { code } = await asked.exited;
    return { exit: code, document: JSON.parse(asked.output) };
  }

  get #command(): readonly string[] {
    return [...this.#prefix, process.execPath, scriptOf('ipvssync'), '-c', this.#directory.config];
  }

  get #diff(): string {
    return join(this.#directory.diffs, `diff_sync.${this.#diffNumber}`);
  }
}
