import { mkdirSync } from 'node:fs';

/** Where it cannot be made, the first write will say so. */
export function tryToMakeDirectory(path: string): void {
  try {
    mkdirSync(path);
  } catch {
    // it is there already, or its parent is not
  }
}
