/**
 * What a scenario works with: it makes namespaces, starts processes, records figures, and cleans all of it away.
 *
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeAllNamespaces } from './lab/clean-up.js';
import { HttpClient } from './lab/http-client.js';
import { runIpBatches } from './lab/ip-batch.js';
import type { LabProcess } from './lab/lab-process.js';
import { Namespace } from './lab/namespace.js';
import { type WaitOptions, waitUntil } from './lab/wait.js';
import { type WebOptions, WebServer } from './lab/web-server.js';
import type { CollectedLog } from './result.js';

const LOG_LINES = 60;
/** The version, then two lines of titles. */
const TITLE_LINES = 3;

export class Lab {
  /** Folder for the scenario's files; inside the guest's memory, gone with the scenario. */
  readonly scratchDir = mkdtempSync(join(tmpdir(), 'lab-'));
  readonly measurements: Record<string, number> = {};
  readonly notes: string[] = [];
  readonly #making: Promise<void>[] = [];
  readonly #namespaces: Namespace[] = [];
  readonly #processes: LabProcess[] = [];
  readonly #closing = new AbortController();

  /** Ends when the scenario's time is up, for waits of its own. */
  get signal(): AbortSignal {
    return this.#closing.signal;
  }

  /** Makes network namespaces, empty but for `lo`; `buildNetwork` and the topologies make connected ones. */
  async createNamespaces(names: readonly string[]): Promise<Namespace[]> {
    this.signal.throwIfAborted();
    const making = runIpBatches([{ lines: names.map((name) => `netns add ${name}`) }]);
    this.#making.push(making);
    await making;
    const made = names.map((name) => new Namespace(name, (started) => this.#adopt(started)));
    this.#namespaces.push(...made);
    return made;
  }

  async startWebServer(namespace: Namespace, options?: WebOptions): Promise<WebServer> {
    return await WebServer.start(namespace, this.scratchDir, options);
  }

  async startHttpClient(namespace: Namespace): Promise<HttpClient> {
    return await HttpClient.start(namespace);
  }

  /** As `waitUntil` of `wait.ts`, and given up at once when the scenario's time is up. */
  async waitUntil<T>(read: () => T | Promise<T>, options: WaitOptions<T>): Promise<T> {
    return await waitUntil(read, { signal: this.signal, ...options });
  }

  /** Records a figure to be printed with the verdict; the unit is the end of the name (`reactionMs`). */
  measure(name: string, value: number): void {
    this.measurements[name] = Math.round(value * 100) / 100;
  }

  /** Records a sentence to be printed with the verdict. */
  note(text: string): void {
    this.notes.push(text);
  }

  /** Tables and output of everything the scenario started, to explain a failure. */
  async collectLogs(): Promise<CollectedLog[]> {
    const tables = await Promise.all(this.#namespaces.map(tableOf));
    const outputs = this.#processes
      .filter(({ quiet }) => !quiet)
      .map((started) => ({ source: `${started.name} (pid ${started.pid})`, text: started.tail(LOG_LINES) }));
    return [...tables, ...outputs].filter(({ text }) => text !== '');
  }

  /** Ends all processes and removes all namespaces and files. Does its whole work even if a part of it fails. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('the scenario is over'));
    await Promise.allSettled(this.#making); // one that is half made could not be removed
    const parts = await Promise.allSettled([
      ...this.#processes.map((started) => started.kill()),
      removeAllNamespaces(),
    ]);
    rmSync(this.scratchDir, { recursive: true, force: true });
    const failures = parts.flatMap((part) => (part.status === 'rejected' ? [part.reason] : []));
    if (failures.length > 0) throw new AggregateError(failures, `clean-up failed: ${failures.join('; ')}`);
  }

  /** A scenario that ran out of time may still be about to start something; that must not survive it. */
  #adopt(started: LabProcess): void {
    this.#processes.push(started);
    if (this.signal.aborted) void started.kill();
  }
}

async function tableOf(namespace: Namespace): Promise<CollectedLog> {
  const source = `${namespace.name}: IPVS table`;
  try {
    const text = await namespace.readProcNet('ip_vs');
    const lines = text.trimEnd().split('\n');
    return {
      source,
      text: lines.length > TITLE_LINES ? lines.slice(0, TITLE_LINES + LOG_LINES).join('\n') : '',
    };
  } catch (error) {
    return { source, text: String(error) };
  }
}
