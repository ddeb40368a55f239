import type { Verdict } from '../tester.js';

const NOISE_ROUNDS = 50;
const NOISE_BYTES = 200;

/** @param what The answer that was given. */
export function expectUp(verdict: Verdict, what: string): void {
  requireThat(verdict.up, `expected up for ${what}, got down: ${verdict.detail}`);
}

export function expectDown(verdict: Verdict, what: string): void {
  const isExplained = !verdict.up && verdict.detail !== '';
  requireThat(isExplained, `expected down with a detail for ${what}, got ${JSON.stringify(verdict)}`);
}

/** @throws Error with `message` unless the condition holds. */
export function requireThat(condition: boolean, message: string): void {
  if (!condition) throw new Error(message);
}

/** Bytes without a meaning, the same at each call. */
export function* noises(): Generator<Buffer, void, undefined> {
  let state = 1;
  for (let round = 0; round < NOISE_ROUNDS; round++) {
    const noise = Buffer.alloc(NOISE_BYTES);
    for (let i = 0; i < NOISE_BYTES; i++) {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      noise[i] = state >>> 16;
    }
    yield noise;
  }
}
