import { SystemCallError } from '@surealived/shared/errors';
import { describe, expect, it } from 'vitest';
import { KernelProtocolError } from '../wire/errors.js';
import {
  type GenlRequest,
  type NetlinkMessage,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
} from '../wire/genl.js';
import { answer, connect, done, message, object } from './fake-kernel.test-kit.js';
import { GenlClient } from './genl-client.js';

const REQUEST: GenlRequest = { family: 28, command: 1, version: 1 };
const ENOENT = 2;
const EEXIST = 17;
const lost = new SystemCallError('recv', 105, 'ENOBUFS');

/** One request per number; the kernel of the test reads it back as an attribute. */
const numbered = (number: number): GenlRequest => ({ ...REQUEST, fill: (writer) => writer.u32(1, number) });
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const hexOf = (value: number): string => Buffer.from(Uint32Array.of(value).buffer).toString('hex');
const bytes = ({ payload }: NetlinkMessage): string => payload.toString('hex');
const wantsAck = ({ flags }: NetlinkMessage): boolean => (flags & NLM_F_ACK) !== 0;

describe('batch', () => {
  it('sends many requests at once, and asks for the acknowledgement of the last alone', () => {
    const transport = connect((requests) => requests.filter(wantsAck).map((request) => answer(request, 0)));
    expect(new GenlClient(transport).batch(upTo(300), numbered, 'write')).toEqual(upTo(300).map(() => 0));
    expect(transport.sent.map((requests) => requests.length)).toEqual([128, 128, 44]);
    for (const requests of transport.sent) expect(requests.findIndex(wantsAck)).toBe(requests.length - 1);
  });

  it('tells which requests were refused, also the first and the last of a send', () => {
    const refused = new Map([
      [0, EEXIST],
      [5, ENOENT],
      [127, EEXIST],
      [128, ENOENT],
      [129, EEXIST],
    ]);
    let next = 0;
    const transport = connect((requests) =>
      requests.flatMap((request) => {
        const errno = refused.get(next++) ?? 0;
        return errno !== 0 || wantsAck(request) ? [answer(request, errno)] : [];
      }),
    );
    const errnos = new GenlClient(transport).batch(upTo(130), numbered, 'write');
    expect(errnos).toEqual(upTo(130).map((number) => refused.get(number) ?? 0));
  });

  it('does not know the outcome of a send whose answers were lost, but that of the others', () => {
    let sends = 0;
    const transport = connect((requests) => {
      const [first, last] = [requests[0] as NetlinkMessage, requests.at(-1) as NetlinkMessage];
      return ++sends === 2 ? [answer(first, EEXIST), lost] : [answer(last, 0)];
    });
    const errnos = new GenlClient(transport).batch(upTo(130), numbered, 'write');
    expect(errnos).toEqual(upTo(130).map((number) => (number < 128 ? 0 : number === 128 ? EEXIST : 105)));
  });

  it('gives up when nothing is heard', () => {
    const client = new GenlClient(connect(() => []));
    expect(() => client.batch([1], numbered, 'write 1 change')).toThrow(
      new KernelProtocolError('write 1 change: recv: EAGAIN'),
    );
  });

  it('sends nothing for nothing', () => {
    const transport = connect(() => []);
    expect(new GenlClient(transport).batch([], numbered, 'write')).toEqual([]);
    expect(transport.sent).toEqual([]);
  });
});

describe('request', () => {
  it('collects the replies up to the acknowledgement', () => {
    const transport = connect(([request]) =>
      request ? [Buffer.concat([object(request, 0, (w) => w.u32(1, 7)), answer(request, 0)])] : [],
    );
    expect(new GenlClient(transport).request(REQUEST, bytes, 'ask')).toHaveLength(1);
  });

  it('names the errno and what was tried', () => {
    const client = new GenlClient(connect((requests) => requests.map((request) => answer(request, 1))));
    expect(() => client.request(REQUEST, bytes, 'ask for the version of IPVS')).toThrow(
      'ask for the version of IPVS: EPERM',
    );
  });

  it('drops answers to exchanges that were given up', () => {
    let late: Buffer | undefined;
    const transport = connect(([request]) => {
      if (!request) return [];
      if (late) return [late, answer(request, 0)];
      late = answer(request, EEXIST);
      return [];
    });
    const client = new GenlClient(transport);
    expect(() => client.request(REQUEST, bytes, 'first')).toThrow('first: recv: EAGAIN');
    expect(client.request(REQUEST, bytes, 'second')).toEqual([]);
  });

  it('refuses an answer that is cut', () => {
    const client = new GenlClient(
      connect(([request]) => (request ? [answer(request, 0).subarray(0, 30)] : [])),
    );
    expect(() => client.request(REQUEST, bytes, 'ask')).toThrow('ask: netlink message of 36 bytes in 30');
  });

  it('takes a message that means nothing as such', () => {
    const noop = (request: NetlinkMessage): Buffer => message(1, 0, request.sequence, Buffer.alloc(0));
    const client = new GenlClient(
      connect(([request]) => (request ? [noop(request), answer(request, 0)] : [])),
    );
    expect(client.request(REQUEST, bytes, 'ask')).toEqual([]);
  });
});

describe('dump', () => {
  it('collects objects over several datagrams', () => {
    const transport = connect(([request]) => {
      if (!request) return [];
      const part = object(request, 2, (writer) => writer.u32(1, 7));
      return [Buffer.concat([part, part]), part, done(request)];
    });
    expect(new GenlClient(transport).dump(REQUEST, bytes, 'list')).toHaveLength(3);
    expect(transport.sent[0]?.[0]?.flags).toBe(NLM_F_DUMP | 1);
  });

  it('is repeated when the table changed meanwhile', () => {
    let tries = 0;
    const transport = connect(([request]) => {
      if (!request) return [];
      tries++;
      return [
        object(request, tries < 3 ? NLM_F_DUMP_INTR : 0, (writer) => writer.u32(1, tries)),
        done(request),
      ];
    });
    const [only, ...others] = new GenlClient(transport).dump(REQUEST, bytes, 'list');
    expect(only?.slice(16, 24)).toBe(hexOf(3));
    expect(others).toEqual([]);
  });

  it('ends when the table never stands still', () => {
    const transport = connect(([request]) =>
      request ? [object(request, NLM_F_DUMP_INTR, (writer) => writer.u32(1, 1)), done(request)] : [],
    );
    expect(() => new GenlClient(transport).dump(REQUEST, bytes, 'list services')).toThrow(
      'list services: the table changed during each of 10 dumps',
    );
  });

  it('is refused as a whole', () => {
    const client = new GenlClient(connect(([request]) => (request ? [answer(request, 1)] : [])));
    expect(() => client.dump(REQUEST, bytes, 'list services')).toThrow('list services: EPERM');
  });
});

describe('resolveFamily', () => {
  it('is undefined where the kernel has none of that name', () => {
    const client = new GenlClient(connect(([request]) => (request ? [answer(request, ENOENT)] : [])));
    expect(client.resolveFamily('IPVS')).toBeUndefined();
  });
});
