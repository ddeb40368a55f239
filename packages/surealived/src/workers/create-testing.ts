import { messageOf } from '@surealived/shared/errors';
import { raiseOpenFileLimit } from '@surealived/shared/libc';
import type { Logger } from '@surealived/shared/log';
import type { SurealivedConfig } from '@surealived/shared/surealived-cfg';
import type { TesterRegistry } from '@surealived/testers/registry';
import { capacityOf } from '../engine/capacity.js';
import { LocalTesting } from './local-testing.js';
import type { Testing, TestingOptions } from './testing.js';
import { WorkerPool } from './worker-pool.js';

export interface CreateTestingOptions extends Omit<TestingOptions, 'capacity'> {
  readonly log: Logger;
  readonly loadTesters: (config: SurealivedConfig) => Promise<TesterRegistry>;
}

/** Tests as `workers` of the configuration says. @throws SystemCallError when epoll cannot be had. */
export function createTesting(options: CreateTestingOptions): Testing {
  const { config, log } = options;
  const testing = {
    ...options,
    capacity: capacityOf(openFiles(config.maxfd, log), config.max_tasks, config.workers),
  };
  if (config.workers > 0) return new WorkerPool({ ...testing, onDeath: (error) => endProcess(error, log) });
  return new LocalTesting({
    ...testing,
    onLongStall: (stallMs) => log.warn({ stallMs: Math.round(stallMs) }, 'this process stood still'),
  });
}

/** Reals that nobody tests keep their last state: as with any mistake of ours, it is better to begin anew. */
function endProcess(error: Error, log: Logger): never {
  log.error({ cause: messageOf(error) }, 'a worker has died');
  throw error;
}

/** How many descriptors there are, after asking for `maxfd`. */
function openFiles(maxfd: number, log: Logger): number {
  const limit = raiseOpenFileLimit(maxfd);
  if (limit < maxfd) log.warn({ maxfd, limit }, 'fewer open files than maxfd asks for');
  return limit;
}
