import { randomInt } from 'node:crypto';
import { parseAddress } from '@surealived/shared/address';
import { onceForEach } from '@surealived/shared/once-for-each';
import {
  CLASS_IN,
  DNS_TYPES,
  type DnsHeader,
  type DnsQuestion,
  type DnsRecord,
  type DnsType,
  decodeAnswers,
  decodeHeader,
  encodeQuery,
  rcodeName,
  stripFinalDot,
  typeName,
  withId,
} from '../dns-message.js';
import { defineDatagramTester, down, up, type Verdict } from '../tester.js';
import Type from '../type.js';

/** Labels of 1 to 63 printable characters (no dot, no backslash), 253 characters in all; or the root. */
const NAME = String.raw`^(\.|(?=.{1,253}\.?$)([!-\-\/-\[\]-~]{1,63}\.)*[!-\-\/-\[\]-~]{1,63}\.?)$`;
const QUOTED_CHARACTERS = 100;
const OPCODE_QUERY = 0;
const NO_ERROR = 0;

interface Attributes {
  readonly request: string;
  readonly qtype: DnsType;
  readonly expect: string;
}

/** What is the same in each test: thousands of them a second add up. */
interface Inquiry {
  readonly question: DnsQuestion;
  /** Without an id. */
  readonly query: Buffer;
}

/** By the attributes, which all reals that ask for the same share. */
const inquiryOf = onceForEach(({ request, qtype }: Attributes): Inquiry => {
  const question = { name: request, type: DNS_TYPES[qtype], class: CLASS_IN };
  return { question, query: encodeQuery(0, question) };
});

export default defineDatagramTester({
  name: 'dns',
  description: 'Asks a question by DNS over UDP and looks for an answer record.',
  shareable: true,
  attributes: Type.Object({
    request: Type.String({
      pattern: NAME,
      expected: 'a domain name',
      description: 'Name to ask for.',
    }),
    qtype: Type.Enum(Object.keys(DNS_TYPES) as DnsType[], {
      default: 'SOA',
      description: 'Type to ask for: A, AAAA, NS, MX, TXT, CNAME, PTR, SOA or ANY.',
    }),
    expect: Type.String({
      default: '',
      maxLength: 4096,
      expected: 'text of at most 4096 characters',
      description:
        'Address, name or text that one of the answers must be (MX: `10 mail.example.org`); empty for any answer.',
    }),
  }),
  exchange(_target, attributes) {
    const { question, query } = inquiryOf(attributes);
    const id = randomInt(0x10000);
    return {
      request: withId(query, id),
      judge(answer) {
        const header = decodeHeader(answer);
        if (!header || !answersTo(header, id, question)) return undefined;
        return judgeAnswer(answer, header, attributes.expect);
      },
    };
  },
});

/** A refusal may come without its question; anything else must repeat ours. */
function answersTo(header: DnsHeader, id: number, asked: DnsQuestion): boolean {
  if (header.id !== id || !header.isResponse || header.opcode !== OPCODE_QUERY) return false;
  const { question, rcode } = header;
  if (!question) return rcode !== NO_ERROR;
  return (
    question.type === asked.type && question.class === asked.class && sameName(question.name, asked.name)
  );
}

/** A truncated answer has shown that there is one, and may end in the middle of a record. */
function judgeAnswer(message: Buffer, header: DnsHeader, expect: string): Verdict {
  if (header.rcode !== NO_ERROR) return down('content', rcodeName(header.rcode));
  const { records, fault } = decodeAnswers(message, header);
  const { isTruncated } = header;
  if (fault !== undefined && !isTruncated) return down('protocol', `malformed answer: ${fault}`);
  const found = records.find((record) => expect === '' || sameData(record, expect));
  if (found) return up(describeRecord(found));
  if (expect === '') return isTruncated ? up('truncated answer') : down('content', 'no answer record');
  const [first] = records;
  const got = first ? `the first of ${records.length} is ${describeRecord(first)}` : 'no answer record';
  return down('content', `expected ${quote(expect)}, ${got}${isTruncated ? ' (truncated)' : ''}`);
}

function sameData({ type, data }: DnsRecord, expect: string): boolean {
  if (type === DNS_TYPES.A || type === DNS_TYPES.AAAA) return parseAddress(expect)?.text === data;
  return type === DNS_TYPES.TXT ? data === expect : sameName(data, expect);
}

/** Case does not matter in names (RFC 4343). */
function sameName(one: string, other: string): boolean {
  return stripFinalDot(one).toLowerCase() === stripFinalDot(other).toLowerCase();
}

function describeRecord({ type, data }: DnsRecord): string {
  return `${typeName(type)} ${type === DNS_TYPES.TXT ? quote(data) : shorten(data)}`;
}

function quote(text: string): string {
  return JSON.stringify(shorten(text));
}

function shorten(text: string): string {
  return text.length > QUOTED_CHARACTERS ? `${text.slice(0, QUOTED_CHARACTERS)}…` : text;
}
