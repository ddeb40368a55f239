/** A name that a file system takes, with room for what is added to it. */
const MAX_BYTES = 120;

/**
 * A part of a file name made of a name from the configuration: no slash, no control character, no dot or nothing at the
 * beginning, at most 120 bytes.
 */
export function safeFileName(name: string): string {
  let safe = name.replace(/[/\p{Cc}]/gu, '_').replace(/^\.|^$/, '_');
  while (Buffer.byteLength(safe) > MAX_BYTES) safe = [...safe].slice(0, -1).join('');
  return safe;
}
