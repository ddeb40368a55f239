/**
 * The thread that reads and checks changed files for a reload, so that the tests go on meanwhile.
 *
 * @module
 */
import { parentPort, workerData } from 'node:worker_threads';
import { describeProblem, SureAliveError } from '@surealived/shared/errors';
import { loadSources, type Sources } from '../config/sources.js';
import { packVirtual } from '../config/transfer.js';
import type { Candidate } from './candidate.js';

parentPort?.postMessage(await load(workerData as Sources));

async function load(sources: Sources): Promise<Candidate> {
  try {
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
