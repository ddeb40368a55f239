import { appendFileSync, closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

/**
 * The content of an ordinary file. Never waits, as a pipe could make one do.
 *
 * @throws Error in one line when it is not there, no file, or larger than `maxBytes`.
 */
export function readSmallFile(path: string, maxBytes: number): Buffer {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!fstatSync(descriptor).isFile()) throw new Error(`${path}: not a file`);
    const content = Buffer.alloc(maxBytes + 1);
    let bytes = 0;
    // the kernel gives the files of /proc in parts
    for (let more = -1; more !== 0 && bytes <= maxBytes; bytes += more)
      more = readSync(descriptor, content, bytes, content.length - bytes, bytes);
    if (bytes > maxBytes) throw new Error(`${path}: larger than ${maxBytes} bytes`);
    return content.subarray(0, bytes);
  } finally {
    closeSync(descriptor);
  }
}

/** Adds to an ordinary file, which is made where there is none; it begins empty again with `truncate`. */
export function appendToFile(path: string, data: Uint8Array, { truncate = false } = {}): void {
  const { O_APPEND, O_CREAT, O_NONBLOCK, O_TRUNC, O_WRONLY } = constants;
  const mode = O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | (truncate ? O_TRUNC : 0);
  const descriptor = openSync(path, mode);
  try {
    if (!fstatSync(descriptor).isFile()) throw new Error(`${path}: not a file`);
    appendFileSync(descriptor, data);
  } finally {
    closeSync(descriptor);
  }
}
