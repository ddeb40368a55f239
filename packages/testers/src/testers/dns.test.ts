import { describe, expect, it } from 'vitest';
import { DNS_TYPES } from '../dns-message.js';
import {
  answerTo,
  type MessageOptions,
  message,
  name,
  question,
  RESPONSE,
  record,
  string,
  TRUNCATED,
  u16,
} from '../dns-message.test-kit.js';
import { exampleTarget } from '../kit/conformance.js';
import { datagramChecks } from '../kit/datagram-conformance.js';
import { BUILT_IN_TESTERS } from '../registry.js';
import type { Verdict } from '../tester.js';
import dns from './dns.js';

const attributes = { request: 'Example.org', qtype: 'A', expect: '' };
const address = (last: number): Buffer => record(DNS_TYPES.A, Buffer.from([192, 0, 2, last]));
const sample = {
  attributes,
  answerTo: (request: Buffer) => answerTo(request, [address(1)]),
  decisiveBytes: 12 + 17 + 16,
};

/** The verdict on an answer that is made of the request. */
function verdictOn(makeAnswer: (request: Buffer) => Buffer, overrides = {}): Verdict | undefined {
  const { request, judge } = dns.exchange(exampleTarget(), { ...attributes, ...overrides });
  return judge(makeAnswer(Buffer.from(request)));
}

function verdictOnRecords(answers: readonly Buffer[], overrides = {}, options: MessageOptions = {}) {
  return verdictOn((request) => answerTo(request, answers, options), overrides);
}

describe('dns', () => {
  for (const { title, run } of datagramChecks(dns, sample)) it(title, run);

  it('is built in', () => {
    expect(BUILT_IN_TESTERS.map((tester) => tester.name)).toContain('dns');
  });

  it('gives each request an id of its own', () => {
    const idOf = (): string =>
      Buffer.from(dns.exchange(exampleTarget(), attributes).request).toString('hex', 0, 2);
    expect(new Set(Array.from({ length: 20 }, idOf)).size).toBeGreaterThan(10);
  });

  it.each([
    ['A', '192.0.2.1', address(1), true],
    ['A', '192.0.2.2', address(1), false],
    ['A', 'not an address', address(1), false],
    ['AAAA', '2001:DB8:0::1', record(28, Buffer.from('20010db8000000000000000000000001', 'hex')), true],
    ['NS', 'NS1.example.org.', record(2, name(['ns1', 'EXAMPLE', 'org'])), true],
    [
      'MX',
      '10 mail.example.org',
      record(15, Buffer.concat([u16(10), name(['Mail', 'example', 'org'])])),
      true,
    ],
    [
      'MX',
      '20 mail.example.org',
      record(15, Buffer.concat([u16(10), name(['mail', 'example', 'org'])])),
      false,
    ],
    ['TXT', 'two strings', record(16, Buffer.concat([string('two '), string('strings')])), true],
    ['TXT', 'Two strings', record(16, string('two strings')), false],
    ['A', 'alias.example.org', record(5, name(['alias', 'example', 'org'])), true],
  ])('asked for %s finds %j or not', (qtype, expected, answer, isUp) => {
    const verdict = verdictOnRecords([answer], { qtype, expect: expected });
    expect(verdict).toMatchObject(isUp ? { up: true } : { up: false, reason: 'content' });
  });

  it('finds what it expects among several answers, and says what it got when it does not', () => {
    const answers = [address(1), address(2)];
    expect(verdictOnRecords(answers, { expect: '192.0.2.2' })).toEqual({ up: true, detail: 'A 192.0.2.2' });
    expect(verdictOnRecords(answers, { expect: '192.0.2.3' })).toMatchObject({
      detail: 'expected "192.0.2.3", the first of 2 is A 192.0.2.1',
    });
  });

  it.each<[string, readonly Buffer[], object, MessageOptions, object]>([
    ['no record', [], {}, {}, { up: false, reason: 'content', detail: 'no answer record' }],
    ['a record less', [], {}, { answerCount: 1 }, { up: false, reason: 'protocol' }],
    ['a record of nonsense', [record(1, Buffer.alloc(2))], {}, {}, { up: false, reason: 'protocol' }],
    ['SERVFAIL', [], {}, { flags: RESPONSE | 2 }, { up: false, reason: 'content', detail: 'SERVFAIL' }],
    ['NXDOMAIN', [], {}, { flags: RESPONSE | 3 }, { up: false, reason: 'content', detail: 'NXDOMAIN' }],
    ['a bare REFUSED', [], {}, { flags: RESPONSE | 5, question: undefined }, { detail: 'REFUSED' }],
    [
      'a truncated nothing',
      [],
      {},
      { flags: RESPONSE | TRUNCATED },
      { up: true, detail: 'truncated answer' },
    ],
    [
      'a truncated record',
      [address(1), address(2).subarray(0, 9)],
      {},
      { flags: RESPONSE | TRUNCATED },
      { up: true, detail: 'A 192.0.2.1' },
    ],
    [
      'what is expected, truncated away',
      [address(1)],
      { expect: '192.0.2.2' },
      { flags: RESPONSE | TRUNCATED, answerCount: 2 },
      {
        up: false,
        reason: 'content',
        detail: 'expected "192.0.2.2", the first of 1 is A 192.0.2.1 (truncated)',
      },
    ],
  ])('judges %s', (_what, answers, overrides, options, expected) => {
    expect(verdictOnRecords(answers, overrides, options)).toMatchObject(expected);
  });

  it.each<[string, (request: Buffer) => Buffer]>([
    ['another id', (request) => answerTo(request, [address(1)], { id: request.readUInt16BE(0) ^ 1 })],
    ['another name', (request) => foreign(request, question(name(['example', 'net']), 1))],
    ['another type', (request) => foreign(request, question(name(['example', 'org']), 28))],
    [
      'another class',
      (request) => foreign(request, Buffer.concat([name(['example', 'org']), u16(1), u16(3)])),
    ],
    ['no question', (request) => answerTo(request, [address(1)], { question: undefined })],
    ['two questions', (request) => answerTo(request, [address(1)], { questionCount: 2 })],
    ['a dot inside a label', (request) => foreign(request, question(name(['example.org']), 1))],
    ['a request', (request) => answerTo(request, [address(1)], { flags: 0x0100 })],
    ['a notification', (request) => answerTo(request, [address(1)], { flags: RESPONSE | (4 << 11) })],
    ['nothing at all', () => Buffer.alloc(0)],
  ])('waits on when it gets %s', (_what, makeAnswer) => {
    expect(verdictOn(makeAnswer)).toBeUndefined();
  });

  it('does not mind the case of the question in the answer', () => {
    const verdict = verdictOn((request) => foreign(request, question(name(['eXaMpLe', 'ORG']), 1)));
    expect(verdict).toEqual({ up: true, detail: 'A 192.0.2.1' });
  });

  it('keeps long and odd data out of the log', () => {
    const text = `line\nbreak ${'x'.repeat(200)}`;
    const { detail = '' } = verdictOnRecords([record(16, string(text))], { qtype: 'TXT' }) ?? {};
    expect(detail).toBe(`TXT ${JSON.stringify(`${text.slice(0, 100)}…`)}`);
  });

  it.each([
    'example.org',
    'example.org.',
    '.',
    '_sip._tcp.example.org',
    '1.2.0.192.in-addr.arpa',
    'x'.repeat(63),
  ])('accepts the name %j', (request) => {
    expect(isName(request)).toBe(true);
  });

  it.each(['', '..', 'a..b', '.a', 'a b', 'żółw.pl', 'a\\.b', 'x'.repeat(64), 'abc.'.repeat(64)])(
    'refuses the name %j',
    (request) => {
      expect(isName(request)).toBe(false);
    },
  );
});

/** A good answer, but to this question. */
function foreign(request: Buffer, question: Buffer): Buffer {
  return message({ id: request.readUInt16BE(0), question, answers: [address(1)] });
}

/** Whether the services file may have it. */
function isName(request: string): boolean {
  const { pattern } = dns.attributes.properties.request as { pattern?: string };
  return new RegExp(pattern ?? '(?!)', 'u').test(request);
}
