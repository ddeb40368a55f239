/**
 * What the proofs of the table need: files written by hand, and the real programs.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, watch } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DaemonProcess, type Program, scriptOf } from '../daemons/daemon-process.js';
import { HandoverDirectory } from '../daemons/handover-directory.js';

const FILES = fileURLToPath(new URL('files/', import.meta.url));

/** The text of a file written by hand from the spec. */
export function readFixture(name: string): string {
  return readFileSync(join(FILES, name), 'utf8');
}

/** How a program that ends by itself ended. */
export interface Ended {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs one of the programs to its end. */
export async function run(program: Program, ...args: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, [scriptOf(program), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const [status] = await once(child, 'close');
  return { status, out, err };
}

/** A directory that is removed in the end. */
export class TemporaryDirectory implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'compat-'));

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

interface SiteOptions {
  /** Further lines of surealived.cfg. */
  readonly settings?: Readonly<Record<string, string | number>>;
  readonly args?: readonly string[];
  /** Called before the program starts. */
  readonly prepare?: (directory: HandoverDirectory) => void;
}

/** A surealived that runs, with its files. */
export class RunningTester implements AsyncDisposable {
  readonly directory: HandoverDirectory;
  readonly process: DaemonProcess;
  readonly services: string;
  #port = 0;

  private constructor(xml: string, { settings = {}, args = [], prepare }: SiteOptions) {
    this.directory = new HandoverDirectory(settings);
    this.services = this.directory.writeServices(xml);
    prepare?.(this.directory);
    this.process = new DaemonProcess('surealived', ['-c', this.directory.config, ...args, this.services]);
  }

  /** @param xml The services file. */
  static async start(xml: string, options: SiteOptions = {}): Promise<RunningTester> {
    const tester = new RunningTester(xml, options);
    try {
      tester.#port = Number((await tester.process.waitFor('testing started')).adminPort);
    } catch (error) {
      tester.directory[Symbol.dispose]();
      throw error;
    }
    return tester;
  }

  /** Sends bytes to the admin socket and closes that side, as nc does. @returns All that comes back. */
  async send(text: string): Promise<string> {
    const socket = connect(this.#port, '127.0.0.1');
    socket.setEncoding('utf8').end(text);
    let answer = '';
    socket.on('data', (chunk: string) => {
      answer += chunk;
    });
    await once(socket, 'close');
    return answer;
  }

  /** Plays the commands of a transcript (`$ command`, then its answer). @returns The transcript as it came out. */
  async replay(transcript: string): Promise<string> {
    let played = '';
    for (const [line] of transcript.matchAll(/^\$ .*$/gm))
      played += `${line}\n${await this.send(`${line.slice(2)}\n`)}`;
    return played;
  }

  /** The text of a file in the directory of all files. */
  read(name: string): string {
    return readFileSync(join(this.directory.path, name), 'utf8');
  }

  /** Waits until a file in the directory of all files is as it should be. @returns Its text. */
  until(name: string, isAsWanted: (text: string) => boolean): Promise<string> {
    return untilText(join(this.directory.path, name), isAsWanted);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process.stop();
    this.directory[Symbol.dispose]();
  }
}

/** Snapshot or diff as the original would have written it: without the keys of ours, which it ignores. */
export function withoutNewKeys(text: string): string {
  return text
    .replace(/ format=1 generation=\d{13} vcount=\d+ rcount=\d+ crc32=[0-9a-f]{8}$/m, '')
    .replace(/ at=\d{13} crc32=[0-9a-f]{8}$/gm, '');
}

const SEEN_TIMEOUT_MS = 10_000;

/** Waits until a file, in a directory that exists, is as it should be. @returns Its text. @throws after 10 s. */
export async function untilText(file: string, isAsWanted: (text: string) => boolean): Promise<string> {
  const read = (): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');
  const watcher = watch(dirname(file));
  try {
    return await new Promise((resolve, reject) => {
      const giveUp = (): void => reject(new Error(`${basename(file)} is not as it should be:\n${read()}`));
      const timer = setTimeout(giveUp, SEEN_TIMEOUT_MS);
      const look = (): void => {
        const text = read();
        if (!isAsWanted(text)) return;
        clearTimeout(timer);
        resolve(text);
      };
      watcher.on('change', look);
      look();
    });
  } finally {
    watcher.close();
  }
}

/**
 * A text with its figures blanked where a line of the expected text has `N` in their place: `total : 17` becomes
 * `total : N`. Lines that differ in anything else stay as they are.
 */
export function blankFigures(text: string, expected: string): string {
  const lines = expected.split('\n');
  return text
    .split('\n')
    .map((line, index) => {
      const wanted = lines[index] ?? '';
      return asPattern(wanted).test(line) ? wanted : line;
    })
    .join('\n');
}

function asPattern(line: string): RegExp {
  const literal = line.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${literal.replace(/(?<=[= ])N(?=ms|us| |$)/g, '\\d+(\\.\\d+)?')}$`);
}
