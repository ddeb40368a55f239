/**
 * The kernel modules of schedulers and persistence engines.
 *
 * The kernel loads them by itself where it may start modprobe; with `kernel.modprobe` set to nothing it does not.
 *
 * @module
 */
import type { ExecFileException } from 'node:child_process';
import type { OperationResult } from '../ipvs/operation-result.js';
import { type Operation, type ServiceSettings, serviceKey } from '../ipvs/table.js';

/** Loading takes milliseconds, a stuck disk longer. */
const MODPROBE_TIMEOUT_MS = 10_000;
/** A daemon may have been started with a PATH that lacks the directories of root. */
const PATH = '/usr/sbin:/usr/bin:/sbin:/bin';

type Write = (operations: readonly Operation[]) => readonly OperationResult[];

/** Loads a module. @returns Why it could not, or `undefined`. */
export type LoadModule = (module: string) => Promise<string | undefined>;

/** Tries each module once in the life of the process: one that is not there now will hardly be later. */
export class ModuleLoader {
  readonly #load: LoadModule;
  readonly #outcomes = new Map<string, string | undefined>();

  constructor(load: LoadModule = modprobe) {
    this.#load = load;
  }

  /** Tries those modules that were not tried before. @returns Whether one of them was loaded. */
  async load(modules: Iterable<string>): Promise<boolean> {
    let isAnyLoaded = false;
    for (const module of modules) {
      if (this.#outcomes.has(module)) continue;
      const failure = await this.#load(module);
      this.#outcomes.set(module, failure);
      isAnyLoaded ||= failure === undefined;
    }
    return isAnyLoaded;
  }

  /** Why modules could not be loaded; `undefined` where all could. */
  failureOf(modules: readonly string[]): string | undefined {
    const failures = modules.flatMap((module) => this.#outcomes.get(module) ?? []);
    return failures.length === 0 ? undefined : failures.join(', ');
  }
}

/**
 * Writes operations. What is refused for want of a scheduler or an engine is written again once its module is loaded,
 * with all that was refused of the same service; what still is tells why there is no module.
 */
export async function applyWithModules(
  operations: readonly Operation[],
  write: Write,
  loader: ModuleLoader,
): Promise<readonly OperationResult[]> {
  const first = write(operations);
  const wanting = wantingServices(operations, first);
  if (wanting.size === 0) return first;
  const isAnyLoaded = await loader.load([...wanting.values()].flat());
  const results = isAnyLoaded ? writeAgain(write, operations, first, wanting) : first;
  return results.map((result, i): OperationResult => {
    if (result.ok || result.errno !== 'ENOENT') return result;
    const detail = loader.failureOf(modulesNeededBy(operations[i]));
    return { ok: false, errno: result.errno, detail };
  });
}

/** The services that want a module, by their keys, each with the modules that it needs. */
function wantingServices(
  operations: readonly Operation[],
  results: readonly OperationResult[],
): ReadonlyMap<string, readonly string[]> {
  const wanting = new Map<string, readonly string[]>();
  for (const [i, operation] of operations.entries()) {
    const result = results[i];
    const modules = modulesNeededBy(operation);
    if (!result || result.ok || result.errno !== 'ENOENT' || modules.length === 0) continue;
    wanting.set(serviceKey(operation.service), modules);
  }
  return wanting;
}

/** Writes what was refused of these services. @returns All results, with the second where there is one. */
function writeAgain(
  write: Write,
  operations: readonly Operation[],
  first: readonly OperationResult[],
  services: ReadonlyMap<string, unknown>,
): readonly OperationResult[] {
  const isRefused = ({ service }: Operation, i: number): boolean =>
    first[i]?.ok === false && services.has(serviceKey(service));
  const second = [...write(operations.filter(isRefused))];
  return first.map((result, i) => {
    const operation = operations[i];
    return operation && isRefused(operation, i) ? (second.shift() ?? result) : result;
  });
}

function modulesNeededBy(operation: Operation | undefined): readonly string[] {
  const isOfService = operation?.kind === 'addService' || operation?.kind === 'editService';
  return isOfService ? modulesOf(operation.service) : [];
}

/** The modules that a service needs, by the names that the kernel itself asks for. */
export function modulesOf({ scheduler, persistenceEngine }: ServiceSettings): readonly string[] {
  const engine = persistenceEngine === '' ? [] : [`ip_vs_pe_${persistenceEngine}`];
  return [`ip_vs_${scheduler}`, ...engine];
}

/** Runs `modprobe -q`, which also succeeds for what is built in or loaded. */
export async function modprobe(module: string): Promise<string | undefined> {
  const { execFile } = await import('node:child_process'); // rarely needed
  return new Promise((resolve) => {
    const options = { timeout: MODPROBE_TIMEOUT_MS, killSignal: 'SIGKILL', env: { PATH } } as const;
    execFile('modprobe', ['-q', module], options, (error) => {
      resolve(error ? `modprobe ${module}: ${reasonOf(error)}` : undefined);
    });
  });
}

function reasonOf({ killed, code }: ExecFileException): string {
  if (killed) return 'took too long';
  return typeof code === 'number' ? `status ${code}` : String(code);
}
