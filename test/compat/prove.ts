import { afterAll, describe, it } from 'vitest';
import { TABLE, type Way } from './table.js';

type Heading = keyof typeof TABLE;
type Proof = () => void | Promise<void>;

/** Shows every statement under a heading of the table, in the table's order; a statement without a proof does not compile. */
export function prove<H extends Heading>(
  heading: H,
  proofs: Readonly<Record<keyof (typeof TABLE)[H] & string, Proof>>,
): void {
  describe(heading, () => {
    const statements: Readonly<Record<string, Way>> = TABLE[heading];
    for (const [statement, way] of Object.entries(statements))
      it(`${statement} [${way}]`, proofs[statement as keyof typeof proofs]);
  });
}

/** What several proofs of a file look at: started by the first that asks, ended after the last. */
export function shared<T extends AsyncDisposable>(start: () => Promise<T>): () => Promise<T> {
  let started: Promise<T> | undefined;
  afterAll(async () => (await started)?.[Symbol.asyncDispose]());
  return () => {
    started ??= start();
    return started;
  };
}
