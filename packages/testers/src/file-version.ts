import { statSync } from 'node:fs';

/** What tells whether a file has been replaced or written to. @throws when it is not there. */
export function fileVersion(path: string): string {
  const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
  return [dev, ino, size, mtimeNs, ctimeNs].join('-');
}
