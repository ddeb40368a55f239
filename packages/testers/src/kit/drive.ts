import { MAX_READ_BYTES, type StreamRequest } from '../requests.js';
import type { StreamProbe, Verdict } from '../tester.js';

/** What a driven probe did: its verdict, and the bytes it wrote. */
export interface DrivenProbe {
  readonly verdict: Verdict;
  readonly written: Buffer;
}

const MAX_STEPS = 100_000;

/**
 * Runs a probe against a server that sends `answer` and closes, without a socket.
 *
 * @param chunkBytes How many bytes at most are "there" for one `readUpTo`.
 * @throws Error when the probe asks for what the engine would refuse, or does not end.
 */
export function driveProbe(
  probe: StreamProbe,
  answer: Uint8Array,
  chunkBytes = Number.POSITIVE_INFINITY,
): DrivenProbe {
  const written: Uint8Array[] = [];
  let rest = Buffer.from(answer);
  const take = (bytes: number): Buffer => {
    const taken = rest.subarray(0, bytes);
    rest = rest.subarray(taken.length);
    return taken;
  };
  const serve = (request: StreamRequest): Buffer => {
    if (request.want === 'write') written.push(request.data);
    if (request.want === 'write') return Buffer.alloc(0);
    if (request.want === 'drain') return take(rest.length).subarray(0, 0);
    requireReadable(request.bytes);
    return take(request.want === 'read' ? request.bytes : Math.min(request.bytes, chunkBytes));
  };
  let step = probe.next(Buffer.alloc(0));
  for (let steps = 0; !step.done; steps++) {
    if (steps > MAX_STEPS) throw new Error(`the probe did not end within ${MAX_STEPS} requests`);
    step = probe.next(serve(step.value));
  }
  return { verdict: step.value, written: Buffer.concat(written) };
}

function requireReadable(bytes: number): void {
  if (Number.isInteger(bytes) && bytes >= 1 && bytes <= MAX_READ_BYTES) return;
  throw new Error(`a read asks for ${bytes} bytes, 1..${MAX_READ_BYTES} are allowed`);
}
