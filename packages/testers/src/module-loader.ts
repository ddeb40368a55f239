/**
 * Testers from elsewhere: each file of the directory of modules makes one, of the file's name.
 *
 * @module
 */
import { readdirSync, realpathSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { ModuleError, messageOf, type Problem } from '@surealived/shared/errors';
import { nearestName } from '@surealived/shared/nearest-name';
import { fileVersion } from './file-version.js';
import { loadModuleApi } from './module-api.js';
import { BUILT_IN_TESTERS, TesterRegistry } from './registry.js';
import type { Tester } from './tester.js';
import { findShapeFaults } from './tester-shape.js';

export interface ModuleSource {
  /** It need not be there. What is in it but `*.js` and `*.mjs` is ignored, such as modules of the original. */
  readonly directory: string;
  /** `all`, or the names of the testers that there shall be, separated by commas. */
  readonly wanted: string;
  /** Whatever else may be wrong with a tester from elsewhere; `undefined` when nothing is. */
  readonly findFault?: (tester: Tester) => Promise<string | undefined>;
}

const MODULE_FILE = /\.m?js$/;
const LOAD_TIMEOUT_MS = 10_000;
/** The one tester that is there without being asked for. */
const ALWAYS = 'no-test';

const require = createRequire(import.meta.url);

/** Testers by file: one that has not changed stays the same object, so that its tests go on. */
const loaded = new Map<string, { readonly version: string; readonly tester: Tester }>();

/** @throws ModuleError that names each file that cannot be used, and why. */
export async function loadTesters({ directory, wanted, findFault }: ModuleSource): Promise<TesterRegistry> {
  const names = parseNames(wanted);
  const isWanted = (name: string): boolean => name === ALWAYS || !names || names.includes(name);
  const all = moduleFiles(directory);
  const files = all.filter((file) => isWanted(testerName(file)));
  const problems: Problem[] = [];
  const testers = BUILT_IN_TESTERS.filter(({ name }) => isWanted(name));
  for (const file of files) {
    try {
      const tester = await loadTester(file);
      const fault = await findFault?.(tester);
      if (fault !== undefined) throw new Error(fault);
      refuseTaken(tester.name, file, files);
      testers.push(tester);
    } catch (error) {
      problems.push({ file, line: lineOf(error, file), message: describeFailure(error) });
    }
  }
  problems.push(...findUnknown(names ?? [], directory, all));
  if (problems.length > 0) throw new ModuleError(problems);
  return new TesterRegistry(testers);
}

/** The original's modules are files such as `mod_http.so`, so its names may come in that form. */
function parseNames(wanted: string): readonly string[] | undefined {
  const names = wanted.split(/[\s,]+/).filter((name) => name !== '');
  if (names.includes('all')) return undefined;
  return names.map((name) => name.replace(/^mod_/, '').replace(/\.so$/, ''));
}

function testerName(file: string): string {
  return basename(file).replace(MODULE_FILE, '');
}

/** Full paths, in order. @throws ModuleError when the directory cannot be read. */
function moduleFiles(directory: string): readonly string[] {
  let names: readonly string[];
  try {
    names = readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new ModuleError([{ file: directory, line: 0, message: messageOf(error) }]);
  }
  return names
    .filter((name) => MODULE_FILE.test(name))
    .sort()
    .map((name) => resolve(join(directory, name)));
}

async function loadTester(file: string): Promise<Tester> {
  refuseWritable(file);
  const version = fileVersion(file);
  const known = loaded.get(file);
  if (known?.version === version) return known.tester;
  const tester = await importTester(`${pathToFileURL(file)}?version=${version}`);
  // it could not be loaded again when it has changed
  if (require.cache[realpathSync(file)]) throw new Error('expected an ES module, with import and export');
  const faults = findShapeFaults(tester);
  if (faults.length > 0) throw new Error(faults.join('; '));
  const { name } = tester as Tester;
  if (name !== testerName(file))
    throw new Error(`its tester is called "${name}": file and tester need one name`);
  loaded.set(file, { version, tester: tester as Tester });
  return tester as Tester;
}

/** A module's default export: a tester, or a function that makes one of what it is given. */
async function importTester(url: string): Promise<unknown> {
  const timer = new AbortController();
  const late = wait(LOAD_TIMEOUT_MS, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`is not loaded after ${LOAD_TIMEOUT_MS / 1000} s`);
  });
  late.catch(() => undefined); // it is aborted, or it wins
  try {
    return await Promise.race([makeTester(url), late]);
  } finally {
    timer.abort();
  }
}

async function makeTester(url: string): Promise<unknown> {
  const { default: made } = (await import(url)) as { default?: unknown };
  if (made === undefined) throw new Error('has no default export');
  return typeof made === 'function' ? await made(await loadModuleApi()) : made;
}

/** Where in the file an error comes from, as far as its trace tells. */
function lineOf(error: unknown, file: string): number {
  const trace = (error instanceof Error && error.stack?.split(basename(file))[1]) || '';
  const [, line = '0'] = /^(?:\?version=[\d-]+)?:(\d+)/.exec(trace) ?? [];
  return Number(line);
}

/** The runtime tells no line of a module that it cannot parse. */
function describeFailure(error: unknown): string {
  return error instanceof SyntaxError ? `${error.message} (node --check tells where)` : messageOf(error);
}

/** A module runs with all rights of this process, so that not everybody may write it. */
function refuseWritable(file: string): void {
  const target = realpathSync(file);
  for (const path of new Set([dirname(file), dirname(target), target])) {
    if (statSync(path).mode & 0o002)
      throw new Error(`everybody may write to ${path}, and a module may do anything`);
  }
}

function refuseTaken(name: string, file: string, files: readonly string[]): void {
  if (BUILT_IN_TESTERS.some((tester) => tester.name === name))
    throw new Error(`a tester "${name}" is built in`);
  const twin = files.find((other) => other !== file && testerName(other) === name);
  if (twin !== undefined) throw new Error(`${basename(twin)} makes a tester of the same name`);
}

function findUnknown(
  names: readonly string[],
  directory: string,
  files: readonly string[],
): readonly Problem[] {
  const known = [...BUILT_IN_TESTERS.map(({ name }) => name), ...files.map(testerName)];
  return names
    .filter((name) => !known.includes(name))
    .map((name) => {
      const nearest = nearestName(name, known);
      const hint = nearest === undefined ? '' : `, did you mean "${nearest}"?`;
      const message = `modules: no tester "${name}" there, nor built in (${known.join(', ')})${hint}`;
      return { file: directory, line: 0, message };
    });
}
