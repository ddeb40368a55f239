import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { endWithUs } from './end-with-us.js';

/** Servers live in sbin, which PATH may lack for whoever is not root. */
const SERVER_PATH = `${process.env.PATH ?? ''}${delimiter}/usr/local/sbin${delimiter}/usr/sbin${delimiter}/sbin`;
const START_TIMEOUT_MS = 8000;

/** The path of a program, or `undefined` where it is not installed. */
export function findProgram(name: string): string | undefined {
  return SERVER_PATH.split(delimiter)
    .map((directory) => join(directory, name))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // absent and forbidden mean the same here: the tests cannot use it
  }
}

/** A server as a child process in the foreground. */
export class ServerProcess implements AsyncDisposable {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /**
   * Starts a server and waits until it says that it is ready.
   *
   * @param isReady What it then writes to its standard output or error.
   * @throws Error with all that it wrote when it ends first, or takes longer than eight seconds.
   */
  static async start(program: string, args: readonly string[], isReady: RegExp): Promise<ServerProcess> {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    endWithUs(child);
    let said = '';
    await new Promise<void>((resolve, reject) => {
      const settle = (act: () => void): void => {
        clearTimeout(timer);
        child.off('exit', onExit);
        act();
      };
      const fail = (why: string): void =>
        settle(() => {
          child.kill('SIGKILL');
          reject(new Error(`${program} ${why}:\n${said}`));
        });
      const timer = setTimeout(() => fail('did not start in time'), START_TIMEOUT_MS);
      const onExit = (status: number | null): void => fail(`ended with status ${status}`);
      child.once('error', (error) => fail(error.message));
      child.once('exit', onExit);
      // its output is read to its end: a full pipe would stop it
      for (const output of [child.stdout, child.stderr]) {
        output.on('data', (data: Buffer) => {
          if (!isReady.test(said)) said += data;
          if (isReady.test(said)) settle(resolve);
        });
      }
    });
    return new ServerProcess(child);
  }

  /** SIGSTOP makes it hang with its sockets open; SIGCONT ends that. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGCONT');
    this.#child.kill('SIGTERM');
    await exited;
  }
}

/** A port of 127.0.0.1 and ::1 that nobody uses at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '::');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
