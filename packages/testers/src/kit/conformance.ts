/**
 * What every stream tester must hold to. Register the checks with the test runner at hand:
 *
 *     for (const { title, run } of conformanceChecks(tester, sample)) it(title, run);
 *
 * @module
 */
import { parseAddress } from '@surealived/shared/address';
import type { Static, TObject } from 'typebox';
import type { StreamTester, Target, Tester, Verdict } from '../tester.js';
import { driveProbe } from './drive.js';
import { expectDown, expectUp, noises, requireThat } from './expectations.js';

/** A conversation that must succeed. */
export interface Sample<T extends TObject = TObject> {
  /** All attributes, defaults filled in. */
  readonly attributes: Static<T>;
  /** All that a healthy server sends. */
  readonly answer: string | Uint8Array;
  /** How many bytes of it decide: any shorter answer must fail. 0 for a tester that reads nothing. */
  readonly decisiveBytes: number;
}

export interface Check {
  readonly title: string;
  readonly run: () => void | Promise<void>;
}

export function conformanceChecks(tester: StreamTester, sample: Sample): readonly Check[] {
  const answer = Buffer.from(sample.answer as Uint8Array);
  const verdictOn = (bytes: Uint8Array, chunkBytes?: number): Verdict =>
    driveProbe(tester.probe(targetFor(tester), sample.attributes), bytes, chunkBytes).verdict;
  const checks: Check[] = [
    ...declarationChecks(tester),
    { title: 'finds a healthy server up', run: () => expectUp(verdictOn(answer), 'the whole answer') },
    {
      title: 'does not mind how the answer is cut',
      run: () => expectUp(verdictOn(answer, 1), 'byte by byte'),
    },
    { title: 'can be cancelled at its first step', run: () => cancelEarly(tester, sample) },
  ];
  if (sample.decisiveBytes === 0) return checks;
  return [
    ...checks,
    {
      title: 'finds every truncation down',
      run: () => expectTruncationsDown(verdictOn, answer, sample.decisiveBytes),
    },
    { title: 'finds noise down', run: () => expectNoiseDown(verdictOn) },
  ];
}

/** What holds for every kind of tester: a usable name, and attributes that the manual can print. */
export function declarationChecks(tester: Tester): readonly Check[] {
  return [
    {
      title: 'has a name that fits proto= and a description',
      run: () =>
        requireThat(/^[a-z][a-z0-9-]{0,30}$/.test(tester.name) && tester.description !== '', tester.name),
    },
    { title: 'documents its attributes', run: () => expectDocumented(tester) },
  ];
}

function expectDocumented({ attributes }: Tester): void {
  const mandatory = new Set<string>(attributes.required ?? []);
  for (const [name, schema] of Object.entries<{ description?: string; default?: unknown }>(
    attributes.properties,
  )) {
    requireThat(!!schema.description, `attribute ${name} has no description`);
    requireThat(mandatory.has(name), `attribute ${name} must not be Optional: give it a default instead`);
  }
}

function expectTruncationsDown(
  verdictOn: (bytes: Uint8Array) => Verdict,
  answer: Buffer,
  decisiveBytes: number,
): void {
  for (let length = 0; length < decisiveBytes; length++) {
    expectDown(verdictOn(answer.subarray(0, length)), `the first ${length} bytes of the answer`);
  }
}

function expectNoiseDown(verdictOn: (bytes: Uint8Array) => Verdict): void {
  for (const noise of noises()) expectDown(verdictOn(noise), `noise ${noise.toString('hex')}`);
}

function cancelEarly(tester: StreamTester, { attributes }: Sample): void {
  const probe = tester.probe(targetFor(tester), attributes);
  probe.next(Buffer.alloc(0));
  probe.return({ up: false, reason: 'timeout', detail: 'cancelled' });
  requireThat(probe.next(Buffer.alloc(0)).done === true, 'the probe went on after it was cancelled');
}

/** A target as a tester may see it: one whose tests may be shared must not ask for whom they are. */
export function targetFor({ shareable }: Tester, target = exampleTarget()): Target {
  if (!shareable) return target;
  const refuse = (what: string): never => {
    throw new Error(`the tester is shareable, and looks at the ${what} that it tests for`);
  };
  return {
    ...target,
    get virtual() {
      return refuse('virtual');
    },
    get real() {
      return refuse('real');
    },
  };
}

/** A target for tests without a socket. */
export function exampleTarget(): Target {
  const address = parseAddress('192.0.2.1');
  if (!address) throw new Error('unreachable');
  const virtual = { name: 'web', protocol: 'tcp', address, port: 80, fwmark: 0 } as const;
  return { address, port: 80, bindAddress: undefined, virtual, real: { name: 'w1', address, port: 80 } };
}
