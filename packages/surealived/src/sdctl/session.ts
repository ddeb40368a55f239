import { ansiPaint, type Paint, plainPaint } from '@surealived/shared/text-table';
import type { RealDocument, RealList, VirtualDocument, VirtualList } from '../admin/documents.js';
import { AdminConnection } from './connection.js';
import type { Endpoint } from './endpoint.js';
import { selectReal, selectVirtual, virtualFields } from './select.js';
import { type Terminal, wantsColour } from './terminal.js';

export interface SessionOptions {
  readonly terminal: Terminal;
  /** Asked when the first command needs them. */
  readonly endpoints: () => readonly Endpoint[];
  readonly timeoutMs: number;
  /** Whether documents are printed as they come. */
  readonly isJson: boolean;
}

/** One run of sdctl: its options, and the connection once a command needs one. */
export class Session implements AsyncDisposable {
  readonly terminal: Terminal;
  readonly paint: Paint;
  readonly isJson: boolean;
  readonly #options: SessionOptions;
  #connection: Promise<AdminConnection> | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.terminal = options.terminal;
    this.isJson = options.isJson;
    this.paint = wantsColour(options.terminal) ? ansiPaint : plainPaint;
  }

  print(lines: readonly string[]): void {
    if (lines.length > 0) this.terminal.stdout.write(`${lines.join('\n')}\n`);
  }

  connection(): Promise<AdminConnection> {
    const { endpoints, timeoutMs } = this.#options;
    this.#connection ??= AdminConnection.open(endpoints(), timeoutMs);
    return this.#connection;
  }

  async ask(line: string, patienceMs = 0): Promise<readonly string[]> {
    return (await this.connection()).ask(line, patienceMs);
  }

  async askDocument<T>(line: string, patienceMs = 0): Promise<T> {
    return (await (await this.connection()).askDocument<T>(line, patienceMs)).document;
  }

  /** Asks for a document, and prints it: as it came, or as `render` makes it. */
  async show<T>(
    line: string,
    render: (document: T, paint: Paint) => readonly string[],
    patienceMs = 0,
  ): Promise<T> {
    const { document, text } = await (await this.connection()).askDocument<T>(line, patienceMs);
    this.print(this.isJson ? [text] : render(document, this.paint));
    return document;
  }

  /** @throws Failure when there is not exactly one. */
  async findVirtual(name: string): Promise<VirtualDocument> {
    return selectVirtual((await this.askDocument<VirtualList>('vlist')).virtuals, name);
  }

  /** @throws Failure when there is not exactly one. */
  async findReal(
    virtualName: string,
    name: string,
  ): Promise<{ virtual: VirtualDocument; real: RealDocument }> {
    const virtual = await this.findVirtual(virtualName);
    const { virtuals } = await this.askDocument<RealList>(`rlist ${virtualFields(virtual)}`);
    return { virtual, real: selectReal(virtuals[0]?.reals ?? [], name) };
  }

  /** Ends the connection; the next command makes a new one. */
  async disconnect(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    (await connection?.catch(() => undefined))?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.disconnect();
  }
}
