import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Program, scriptOf } from '../../daemons/daemon-process.js';
import { HandoverDirectory } from '../../daemons/handover-directory.js';
import type { Lab } from '../lab.js';
import type { LabProcess } from './lab-process.js';
import type { Namespace } from './namespace.js';

const START_TIMEOUT_MS = 20_000;
const ADMIN_PORT = 1337;

/** A line of a daemon's JSON log. */
export interface LoggedEvent {
  readonly msg: string;
  /** Wall time in milliseconds. */
  readonly atMs: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Both daemons in the namespace of a director, on its kernel table. */
export class Site {
  readonly #director: Namespace;
  readonly #directory: HandoverDirectory;
  readonly #services: string;
  #tester: LabProcess | undefined;
  #synchroniser: LabProcess | undefined;

  private constructor(director: Namespace, directory: HandoverDirectory, services: string) {
    this.#director = director;
    this.#directory = directory;
    this.#services = services;
  }

  /**
   * @param servicesXml The whole services file.
   * @param settings Further lines of surealived.cfg.
   */
  static async start(
    lab: Lab,
    director: Namespace,
    servicesXml: string,
    settings: Readonly<Record<string, string | number>> = {},
  ): Promise<Site> {
    const directory = new HandoverDirectory({ listen_port: ADMIN_PORT, ...settings });
    const services = join(lab.scratchDir, 'services.xml');
    writeFileSync(services, servicesXml);
    const site = new Site(director, directory, services);
    site.#tester = await site.#run('surealived', [site.#services], /"testing started"/);
    await site.startSynchroniser();
    return site;
  }

  async startSynchroniser(...args: string[]): Promise<void> {
    this.#synchroniser = await this.#run('ipvssync', args, /"snapshot read"/);
  }

  async stopSynchroniser(): Promise<void> {
    await this.#synchroniser?.stop();
  }

  /** Ends both daemons; the table stays as it is. */
  async stop(): Promise<void> {
    await Promise.all([this.#tester?.stop(), this.#synchroniser?.stop()]);
  }

  /** One command to the admin socket, by nc as an operator would. */
  ask(command: string): Promise<string> {
    return this.#director.run(['nc', '-N', '127.0.0.1', String(ADMIN_PORT)], { input: `${command}\n` });
  }

  /** Gives surealived another services file. @returns What it says of that. */
  reload(servicesXml: string): Promise<string> {
    writeFileSync(this.#services, servicesXml);
    return this.ask('reload');
  }

  testerEvents(): readonly LoggedEvent[] {
    return eventsOf(this.#tester);
  }

  synchroniserEvents(): readonly LoggedEvent[] {
    return eventsOf(this.#synchroniser);
  }

  async #run(program: Program, args: readonly string[], ready: RegExp): Promise<LabProcess> {
    const argv = [process.execPath, scriptOf(program), '-c', this.#directory.config, ...args];
    const started = await this.#director.spawn(argv, { name: program });
    await started.waitForLine(ready, START_TIMEOUT_MS);
    return started;
  }
}

function eventsOf(daemon: LabProcess | undefined): readonly LoggedEvent[] {
  const lines = daemon?.output.split('\n').filter((line) => line.startsWith('{')) ?? [];
  return lines.map((line) => {
    const { msg, time, ...fields } = JSON.parse(line);
    return { msg, atMs: Date.parse(time), fields };
  });
}
