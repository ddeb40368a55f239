/**
 * `npm run manual`: writes the manual pages, the scripts that complete command lines, and the XML schema.
 *
 * @module
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { writtenFiles } from './files.js';

const ROOT = new URL('../../../', import.meta.url);

for (const [path, content] of writtenFiles()) {
  const file = new URL(path, ROOT);
  mkdirSync(new URL('.', file), { recursive: true });
  writeFileSync(file, content);
}
