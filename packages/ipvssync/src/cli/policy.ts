import type { SurealivedConfig } from '@surealived/shared/surealived-cfg';
import type { SynchroniserPolicy } from '../plan/round.js';
import type { Options } from './options.js';

/** What may be done to the table; the command line comes before the configuration. */
export function policyOf(
  { deleteUnmanaged, maxDeletes }: Options,
  { protect, max_deletes }: SurealivedConfig,
): Required<SynchroniserPolicy> {
  return { deleteUnmanaged, protect: new Set(protect), maxDeletes: maxDeletes ?? max_deletes };
}
