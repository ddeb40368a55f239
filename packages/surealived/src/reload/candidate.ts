import { Worker } from 'node:worker_threads';
import { messageOf } from '@surealived/shared/errors';
import { installedVersionOf, urlOf, versionOf } from '@surealived/shared/program-files';
import type { SurealivedConfig } from '@surealived/shared/surealived-cfg';
import type { Sources } from '../config/sources.js';

/** A configuration that may come into force, or what speaks against it. */
export type Candidate =
  | {
      readonly ok: true;
      readonly config: SurealivedConfig;
      /** As `packVirtual` makes them. */
      readonly virtuals: readonly string[];
      readonly warnings: readonly string[];
    }
  | { readonly ok: false; readonly problems: readonly string[] };

/** What the thread is given. */
export interface LoadRequest {
  readonly sources: Sources;
  /** Whether a pipe is as good as a file: at a start it is, later it may have no writer, and nobody can end the wait. */
  readonly allowsPipes: boolean;
}

/** The program's own few MB of young objects would have this thread keep most of what it soon throws away. */
const YOUNG_MB = 16;
/** Far more than the largest files take; a file system that never answers must not hold up every later reload. */
const LOAD_TIMEOUT_MS = 60_000;

const VERSION = versionOf(import.meta.url);

/** Reads and checks changed files in a thread of its own. Never rejects: what goes wrong is a problem of the candidate. */
export async function loadInWorker(sources: Sources, timeoutMs = LOAD_TIMEOUT_MS): Promise<Candidate> {
  const problem = findOtherVersion();
  if (problem !== undefined) return { ok: false, problems: [problem] };
  return load({ sources, allowsPipes: false }, timeoutMs);
}

/**
 * The same at the start. What it takes to read 30,000 reals is 100 MB that would stay with the process for good, scattered
 * among what is needed; the memory of a thread goes with it.
 */
export function loadAtStart(sources: Sources): Promise<Candidate> {
  return load({ sources, allowsPipes: true }, undefined);
}

/** The thread would be of the version that is installed now, and understand its own main thread alone. */
function findOtherVersion(): string | undefined {
  try {
    const installed = installedVersionOf(import.meta.url);
    if (installed === VERSION) return undefined;
    return `version ${installed} has been installed, and this is ${VERSION}: it has to be restarted`;
  } catch (error) {
    return `the files of the program are gone: ${messageOf(error)}`;
  }
}

function load(request: LoadRequest, timeoutMs: number | undefined): Promise<Candidate> {
  return new Promise((resolve) => {
    const worker = new Worker(urlOf('#load-worker', import.meta.url), {
      workerData: request,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
    });
    const end = (candidate: Candidate): void => {
      clearTimeout(timer);
      resolve(candidate);
      void worker.terminate(); // it would go on as long as a module has something going; nobody waits for it
    };
    const refuse = (problem: string): void => end({ ok: false, problems: [problem] });
    const timer =
      timeoutMs !== undefined
        ? setTimeout(
            () => refuse(`the files and modules are not loaded after ${timeoutMs / 1000} s`),
            timeoutMs,
          )
        : undefined;
    worker.once('message', end);
    worker.once('error', (error) => refuse(`the files cannot be read: ${messageOf(error)}`));
    worker.once('exit', (status) => refuse(`the thread that reads the files ended with ${status}`));
  });
}
