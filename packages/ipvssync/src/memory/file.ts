import { existsSync } from 'node:fs';
import { replaceFile } from '@surealived/shared/atomic-file';
import { readTextFile } from '@surealived/shared/text-file';
import type { Settings } from '../ipvs/settings.js';
import type { Service } from '../ipvs/table.js';
import { MemoryTable } from './memory-table.js';
import { parseTable } from './restore-format.js';
import { formatTable } from './save-format.js';
import { formatSettings, takeSettings } from './settings-format.js';

const MAX_FILE_BYTES = 256 << 20;

/**
 * A memory table that is loaded from a file, where there is one, and replaces it after each change.
 *
 * @param file In the format of `ipvsadm -Sn`; `undefined` for a table that ends with the process.
 * @throws ConfigError naming file and line.
 */
export function openMemoryTable(file: string | undefined): MemoryTable {
  if (file === undefined) return new MemoryTable();
  const text = existsSync(file) ? readTextFile(file, MAX_FILE_BYTES) : '';
  const { settings, rest } = takeSettings(text, file);
  const save = (services: readonly Service[], changed: Settings): Promise<void> =>
    replaceFile(file, formatSettings(changed) + formatTable(services));
  return new MemoryTable(parseTable(rest, file), save, settings);
}
