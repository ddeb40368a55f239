import type { Static, TObject } from 'typebox';
import type { DatagramExchange, DatagramTester } from '../tester.js';
import { type Check, declarationChecks, targetFor } from './conformance.js';
import { expectUp, noises, requireThat } from './expectations.js';

/** A question and its answer that must succeed. */
export interface DatagramSample<T extends TObject = TObject> {
  /** All attributes, defaults filled in. */
  readonly attributes: Static<T>;
  /** What a healthy server answers to a request, in one datagram. */
  readonly answerTo: (request: Buffer) => Uint8Array;
  /** How many bytes of it decide: any shorter answer must not succeed. */
  readonly decisiveBytes: number;
}

/** What every datagram tester must hold to; to be registered as those of `conformanceChecks`. */
export function datagramChecks(tester: DatagramTester, sample: DatagramSample): readonly Check[] {
  const exchange = (): DatagramExchange => tester.exchange(targetFor(tester), sample.attributes);
  return [
    ...declarationChecks(tester),
    {
      title: 'asks with a datagram of 1 to 65507 bytes',
      run: () => {
        const { length } = exchange().request;
        requireThat(length >= 1 && length <= 65_507, `the request has ${length} bytes`);
      },
    },
    { title: 'finds a healthy server up', run: () => expectHealthy(exchange(), sample) },
    { title: 'finds no truncation up', run: () => expectNoTruncationUp(exchange(), sample) },
    {
      title: 'finds noise not up',
      run: () => {
        for (const noise of noises()) expectNotUp(exchange(), noise, `noise ${noise.toString('hex')}`);
      },
    },
    {
      title: 'finds its own request, sent back, not up',
      run: () => {
        const asked = exchange();
        expectNotUp(asked, Buffer.from(asked.request), 'its own request');
      },
    },
  ];
}

function expectHealthy(exchange: DatagramExchange, { answerTo }: DatagramSample): void {
  const verdict = exchange.judge(Buffer.from(answerTo(Buffer.from(exchange.request))));
  if (verdict === undefined) throw new Error('the whole answer was taken for none');
  expectUp(verdict, 'the whole answer');
}

function expectNoTruncationUp(exchange: DatagramExchange, { answerTo, decisiveBytes }: DatagramSample): void {
  const answer = Buffer.from(answerTo(Buffer.from(exchange.request)));
  for (let length = 0; length < decisiveBytes; length++)
    expectNotUp(exchange, Buffer.from(answer.subarray(0, length)), `the first ${length} bytes of the answer`);
}

/** Down, or not an answer at all. */
function expectNotUp(exchange: DatagramExchange, datagram: Buffer, what: string): void {
  const verdict = exchange.judge(datagram);
  requireThat(verdict?.up !== true, `expected down or no answer for ${what}, got ${JSON.stringify(verdict)}`);
  requireThat(verdict?.detail !== '', `expected a detail for ${what}`);
}
