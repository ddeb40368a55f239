import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CLASS_IN,
  DNS_TYPES,
  decodeAnswers,
  decodeHeader,
  encodeQuery,
  rcodeName,
  typeName,
} from './dns-message.js';
import {
  type MessageOptions,
  message,
  name,
  pointer,
  question,
  RESPONSE,
  record,
  string,
  TRUNCATED,
  u16,
  u32,
} from './dns-message.test-kit.js';

const asked = question(name(['www', 'example', 'org']), DNS_TYPES.A);
/** Where the question has `example.org`. */
const domain = pointer(12 + 4);

/** Header and answers, as far as there are any. */
function decode(bytes: Buffer) {
  const header = decodeHeader(bytes);
  return { header, answers: header && decodeAnswers(bytes, header) };
}

function answersOf(answers: readonly Buffer[], options: MessageOptions = {}) {
  return decode(message({ question: asked, answers, ...options })).answers;
}

const label = fc.stringMatching(/^[a-z0-9_-]{1,63}$/);
const domainName = fc
  .array(label, { maxLength: 5 })
  .map((labels) => labels.join('.'))
  .filter((text) => text.length <= 253);

describe('encodeQuery', () => {
  it('writes what RFC 1035 wants', () => {
    const query = encodeQuery(0xbeef, { name: 'www.example.org.', type: DNS_TYPES.SOA, class: CLASS_IN });
    const header = 'beef 0100 0001 0000 0000 0000';
    const name = '03777777 076578616d706c65 036f7267 00';
    expect(query.toString('hex')).toBe(`${header} ${name} 0006 0001`.replaceAll(' ', ''));
  });

  it('is read back as it was asked', () => {
    fc.assert(
      fc.property(fc.nat(0xffff), domainName, fc.nat(0xffff), (id, name, type) => {
        const header = decodeHeader(encodeQuery(id, { name, type, class: CLASS_IN }));
        const question = { name, type, class: CLASS_IN };
        expect(header).toMatchObject({ id, isResponse: false, opcode: 0, rcode: 0, question });
      }),
    );
  });

  it.each(['a..b', '.a', 'x'.repeat(64), `${'x'.repeat(49)}.`.repeat(6), 'a..'])('refuses %j', (name) => {
    expect(() => encodeQuery(1, { name, type: 1, class: CLASS_IN })).toThrow(RangeError);
  });

  it.each(['', '.'])('asks for the root as %j', (name) => {
    expect(decodeHeader(encodeQuery(1, { name, type: 6, class: 1 }))?.question?.name).toBe('');
  });
});

describe('the header', () => {
  it('has its flags', () => {
    const flags = RESPONSE | TRUNCATED | (2 << 11) | 3;
    expect(decode(message({ id: 7, flags, question: asked })).header).toEqual({
      id: 7,
      isResponse: true,
      opcode: 2,
      isTruncated: true,
      rcode: 3,
      answerCount: 0,
      answersAt: 33,
      question: { name: 'www.example.org', type: 1, class: 1 },
    });
  });

  it('may stand alone', () => {
    expect(decodeHeader(message({ flags: RESPONSE | 1 }))).toMatchObject({ question: undefined, rcode: 1 });
  });

  it('with more than one question is none', () => {
    expect(decodeHeader(message({ question: asked, questionCount: 2 }))).toBeUndefined();
  });

  it.each([
    [0, 'NOERROR'],
    [3, 'NXDOMAIN'],
    [5, 'REFUSED'],
    [13, 'RCODE13'],
  ])('rcode %i is %s', (rcode, name) => {
    expect(rcodeName(rcode)).toBe(name);
  });

  it.each([
    [28, 'AAAA'],
    [65, 'TYPE65'],
  ])('type %i is %s', (type, name) => {
    expect(typeName(type)).toBe(name);
  });
});

describe('records', () => {
  const soa = Buffer.concat([
    name(['ns1'], domain),
    name(['admin'], domain),
    ...[1, 2, 3, 4, 2 ** 32 - 1].map(u32),
  ]);
  it.each<[string, Buffer, string]>([
    ['A', record(DNS_TYPES.A, Buffer.from([192, 0, 2, 1])), '192.0.2.1'],
    ['AAAA', record(DNS_TYPES.AAAA, Buffer.from('20010db8000000000000000000000001', 'hex')), '2001:db8::1'],
    ['NS', record(DNS_TYPES.NS, name(['ns1'], domain)), 'ns1.example.org'],
    ['CNAME to the root', record(DNS_TYPES.CNAME, name([])), ''],
    ['PTR', record(DNS_TYPES.PTR, name(['a', 'b'])), 'a.b'],
    ['MX', record(DNS_TYPES.MX, Buffer.concat([u16(10), name(['mail'], domain)])), '10 mail.example.org'],
    ['TXT', record(DNS_TYPES.TXT, Buffer.concat([string('v=spf1 '), string('żółw')])), 'v=spf1 żółw'],
    ['empty TXT', record(DNS_TYPES.TXT, string('')), ''],
    ['SOA', record(DNS_TYPES.SOA, soa), 'ns1.example.org admin.example.org 1 2 3 4 4294967295'],
    ['unknown', record(65, Buffer.from([1, 2, 255])), '\\# 3 0102ff'],
    ['empty unknown', record(65, Buffer.alloc(0)), '\\# 0'],
    [
      'NS with odd bytes',
      record(DNS_TYPES.NS, name([Buffer.from([0, 0x2e, 0x5c, 0xff, 0x41])])),
      '\\000\\.\\\\\\255A',
    ],
  ])('of type %s are text', (_type, bytes, data) => {
    expect(answersOf([bytes])).toMatchObject({ records: [{ data }], fault: undefined });
  });

  it('are read in order', () => {
    const addresses = [1, 2, 3].map((last) => record(DNS_TYPES.A, Buffer.from([192, 0, 2, last])));
    const data = answersOf(addresses)?.records.map((one) => one.data);
    expect(data).toEqual(['192.0.2.1', '192.0.2.2', '192.0.2.3']);
  });
});

describe('a broken message', () => {
  const EARLY = 'the message ends too early';
  const CIRCLE = 'a name is compressed in a circle or in an unknown way';
  const good = record(DNS_TYPES.A, Buffer.from([192, 0, 2, 1]));
  /** Where the first answer's data begins, when its owner is a pointer. */
  const dataAt = 12 + asked.length + 12;

  it.each<[string, readonly Buffer[], string, MessageOptions?]>([
    ['with a count that lies', [good], EARLY, { answerCount: 65_535 }],
    ['with an address that is too short', [good, record(DNS_TYPES.A, Buffer.alloc(3))], EARLY],
    [
      'with an address that is too long',
      [good, record(DNS_TYPES.A, Buffer.alloc(5))],
      'a record is too long',
    ],
    ['with a name that leads to itself', [good, record(DNS_TYPES.NS, pointer(dataAt + 16))], CIRCLE],
    ['with a name that leads forward', [good, record(DNS_TYPES.NS, pointer(dataAt + 1000))], CIRCLE],
    ['with a label of a reserved kind', [good, record(DNS_TYPES.NS, Buffer.from([0x80, 0]))], CIRCLE],
    [
      'with a name that is too long',
      [good, record(DNS_TYPES.NS, name(Array(4).fill('x'.repeat(63))))],
      'a name is too long',
    ],
    ['with a string that is too long', [good, record(DNS_TYPES.TXT, Buffer.from([5, 65, 66]))], EARLY],
    ['with no string', [good, record(DNS_TYPES.TXT, Buffer.alloc(0))], EARLY],
  ])('%s keeps what came before', (_what, answers, fault, options = {}) => {
    expect(answersOf(answers, options)).toMatchObject({ records: [{ data: '192.0.2.1' }], fault });
  });

  it('with two names that lead to each other ends', () => {
    // the owner of the second answer leads into the data of the first, which leads back
    const first = record(DNS_TYPES.NS, pointer(dataAt + 2));
    expect(answersOf([first, record(DNS_TYPES.NS, name([]), pointer(dataAt))])?.fault).toBe(CIRCLE);
  });

  it('with a long chain of pointers ends', () => {
    const chain = Buffer.concat(
      Array.from({ length: 1000 }, (_, i) => pointer(i === 0 ? 12 : dataAt + 2 * (i - 1))),
    );
    const last = record(DNS_TYPES.NS, pointer(dataAt + 2 * 999));
    expect(answersOf([record(65, chain), last])).toMatchObject({ records: [{ type: 65 }], fault: CIRCLE });
  });

  it('may be cut anywhere: fewer records and a fault, or no header', () => {
    const answers = [
      good,
      record(DNS_TYPES.MX, Buffer.concat([u16(10), name(['mail'], domain)])),
      record(DNS_TYPES.TXT, Buffer.concat([string('a'), string('b')])),
    ];
    const whole = message({ question: asked, answers });
    for (let length = 0; length < whole.length; length++) {
      const { header, answers } = decode(whole.subarray(0, length));
      expect(header === undefined).toBe(length < 12 + asked.length);
      if (answers) expect([answers.fault, answers.records.length < 3]).toEqual([EARLY, true]);
    }
  });

  it('never makes the reader throw, or read more records than there is room for', () => {
    const noise = fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(noise, (bytes) => {
        expect(decode(bytes).answers?.records.length ?? 0).toBeLessThanOrEqual(bytes.length / 11);
      }),
      { numRuns: 2000 },
    );
  });

  it('is read to its end or to a fault when bytes of a good one are changed', () => {
    const types = fc.constantFrom(...Object.values(DNS_TYPES), 65);
    const answers = fc.array(
      fc
        .tuple(types, fc.uint8Array({ maxLength: 40 }))
        .map(([type, data]) => record(type, Buffer.from(data))),
      { minLength: 1, maxLength: 5 },
    );
    const changes = fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 4 });
    fc.assert(
      fc.property(answers, changes, (records, edits) => {
        const bytes = message({ question: asked, answers: records });
        for (const [at, value] of edits) if (at < bytes.length) bytes[at] = value;
        const { header, answers } = decode(bytes);
        if (answers?.fault === undefined) expect(answers?.records.length).toBe(header?.answerCount);
        else expect(answers.records.length).toBeLessThan(header?.answerCount ?? 0);
      }),
      { numRuns: 1000 },
    );
  });
});
