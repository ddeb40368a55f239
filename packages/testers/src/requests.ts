/**
 * What a stream tester may ask of the engine, and the helpers to ask it with `yield*`.
 *
 * @module
 */

/** Most bytes that one read may ask for; what a server sends beyond is never held. */
export const MAX_READ_BYTES = 1 << 20;

export type StreamRequest =
  | { readonly want: 'write'; readonly data: Uint8Array }
  /** Exactly `bytes`; fewer only when the stream ends first. */
  | { readonly want: 'read'; readonly bytes: number }
  /** What is there, at least one byte; none only at the end of the stream. */
  | { readonly want: 'readUpTo'; readonly bytes: number }
  /** Read and forget everything up to the end of the stream. */
  | { readonly want: 'drain' };

type Ask = Generator<StreamRequest, Buffer, Buffer>;

export function* write(data: string | Uint8Array): Ask {
  return yield { want: 'write', data: typeof data === 'string' ? Buffer.from(data) : data };
}

/** Exactly `bytes` (1..MAX_READ_BYTES); fewer only when the stream ends first. */
export function* read(bytes: number): Ask {
  return yield { want: 'read', bytes };
}

/** At least one byte and at most `bytes` (1..MAX_READ_BYTES); none only at the end of the stream. */
export function* readUpTo(bytes: number): Ask {
  return yield { want: 'readUpTo', bytes };
}

export function* drain(): Ask {
  return yield { want: 'drain' };
}
