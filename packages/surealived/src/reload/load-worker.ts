/**
 * The thread that reads and checks the files, so that the tests go on meanwhile, and none of the memory stays that it takes.
 *
 * @module
 */
import { parentPort, workerData } from 'node:worker_threads';
import { ConfigError, describeProblem, SureAliveError } from '@surealived/shared/errors';
import { isSpecialFile } from '@surealived/shared/text-file';
import { loadSources, type Sources } from '../config/sources.js';
import { packVirtual } from '../config/transfer.js';
import type { Candidate, LoadRequest } from './candidate.js';

parentPort?.postMessage(await load(workerData as LoadRequest));

async function load({ sources, allowsPipes }: LoadRequest): Promise<Candidate> {
  try {
    if (!allowsPipes) refuseSpecialFiles(sources);
    const { config, services, warnings } = await loadSources(sources);
    return {
      ok: true,
      config,
      virtuals: services.virtuals.map(packVirtual),
      warnings: warnings.map(describeProblem),
    };
  } catch (error) {
    if (!(error instanceof SureAliveError)) throw error;
    return { ok: false, problems: error.message.split('\n') };
  }
}

/** A pipe is good for the start; now it may have no writer, and a thread that waits for one cannot be ended. */
function refuseSpecialFiles({ configFile, servicesFile }: Sources): void {
  const special = [configFile, servicesFile].filter(isSpecialFile);
  const message = 'not a regular file: it can be read at the start only';
  if (special.length > 0) throw new ConfigError(special.map((file) => ({ file, line: 0, message })));
}
