import { openSync, readFileSync } from 'node:fs';
import { runIpBatches } from './ip-batch.js';
import { LabProcess, type ProcessOptions } from './lab-process.js';
import { type RunOptions, run } from './run.js';

/** A sysctl name in dotted form (`net.ipv4.ip_forward`) with its value. */
export type Sysctls = Readonly<Record<string, string | number>>;

const SYSCTL_TIMEOUT_MS = 5000;

/**
 * A network namespace: its own interfaces, addresses, sockets and IPVS table.
 *
 * A resident shell lives in those that are asked for sysctls or tables. Through its input sysctls are written, through
 * its pid `/proc/net` is read, both without starting a program, which is the expensive thing inside a guest.
 */
export class Namespace {
  readonly name: string;
  readonly #adopt: (started: LabProcess) => void;
  #resident: Promise<LabProcess> | undefined;
  #requests = 0;

  /** @param adopt Told of every process started here, so that its owner can end them all. */
  constructor(name: string, adopt: (started: LabProcess) => void) {
    this.name = name;
    this.#adopt = adopt;
  }

  /** Starts a program here; it is ended with the scenario unless it ends before. */
  async spawn(
    argv: readonly string[],
    options: ProcessOptions & { name?: string } = {},
  ): Promise<LabProcess> {
    const name = `${this.name}: ${options.name ?? argv[0]}`;
    const started = await LabProcess.start(name, [...enterCommand(this.name), ...argv], options);
    this.#adopt(started);
    return started;
  }

  /** Runs a program here to its end and returns its standard output. */
  run(argv: readonly string[], options?: RunOptions): Promise<string> {
    return run([...enterCommand(this.name), ...argv], options);
  }

  /** Runs lines such as `addr add 10.0.0.1/24 dev eth0` through one `ip -batch`; stops at the first that fails. */
  async ip(lines: readonly string[]): Promise<void> {
    await runIpBatches([{ namespace: this.name, lines }]);
  }

  /** @throws When the kernel refuses any of them. */
  async sysctl(settings: Sysctls): Promise<void> {
    await this.#ask(
      Object.entries(settings).map(([name, value]) => {
        const path = `/proc/sys/${name.replaceAll('.', '/')}`;
        return `echo '${value}' >${path} || echo 'refused: ${name}=${value}'`;
      }),
    );
  }

  /** Reads a file of `/proc/net` as this namespace sees it. */
  async readProcNet(file: string): Promise<string> {
    const { pid } = await this.#enter();
    return readFileSync(`/proc/${pid}/net/${file}`, 'utf8');
  }

  /** Opens such a file to be read again and again from its start, which saves most of the cost. @returns The descriptor. */
  async openProcNet(file: string): Promise<number> {
    const { pid } = await this.#enter();
    return openSync(`/proc/${pid}/net/${file}`, 'r');
  }

  /** Commands print a line `refused: ...` for what went wrong. */
  async #ask(commands: readonly string[]): Promise<void> {
    const resident = await this.#enter();
    const number = ++this.#requests;
    const fromLine = resident.lineCount;
    resident.send(`${[...commands, `echo 'done ${number}'`].join('\n')}\n`);
    await resident.waitForLine(new RegExp(`^done ${number}$`), SYSCTL_TIMEOUT_MS, fromLine);
    const refusal = /^refused: .*$/m.exec(resident.tail(resident.lineCount - fromLine));
    if (refusal) throw new Error(`${this.name}: ${refusal[0]}`);
  }

  async #enter(): Promise<LabProcess> {
    this.#resident ??= this.#startResident();
    return await this.#resident;
  }

  async #startResident(): Promise<LabProcess> {
    const resident = await this.spawn(['/bin/sh'], { name: 'resident', quiet: true });
    resident.send("echo 'moved in'\n"); // until it answers it may still be on its way into the namespace
    await resident.waitForLine(/^moved in$/, SYSCTL_TIMEOUT_MS);
    return resident;
  }
}

/** `nsenter` replaces itself with the program, so the pid stays and signals reach the program itself. */
function enterCommand(name: string): string[] {
  return ['nsenter', `--net=/run/netns/${name}`, '--'];
}
