import { onceForEach } from '@surealived/shared/once-for-each';
import { Flag, LineText } from '../attributes.js';
import type { StreamRequest } from '../requests.js';
import { defineStreamTester, down, up } from '../tester.js';
import Type from '../type.js';

// what is the same in each test is made once: thousands of them a second add up
const STATUS_LINE = /^HTTP\/\d\.\d \d{3}$/;
const STATUS_AT = 9;
const READ_STATUS_LINE: StreamRequest = { want: 'read', bytes: 12 };
const DRAIN: StreamRequest = { want: 'drain' };

interface Page {
  readonly url: string;
  readonly host: string;
}

/** By the attributes, which all reals that ask for the same share. */
const requestOf = onceForEach(({ url, host }: Page): StreamRequest => {
  const data = Buffer.from(`GET ${url} HTTP/1.0\r\nHost: ${host}\r\nUser-Agent: SureAliveD\r\n\r\n`);
  return { want: 'write', data };
});

export default defineStreamTester({
  name: 'http',
  description: 'Asks for a page by HTTP/1.0 GET and compares the status code.',
  shareable: true,
  attributes: Type.Object({
    url: LineText({ maxLength: 8192, description: 'Path to ask for, such as `/` or `/health?full=1`.' }),
    host: LineText({ maxLength: 8192, description: 'Value of the Host header.' }),
    naive: Flag({ default: false, description: 'Close after the status line instead of reading the page.' }),
    retcode: Type.String({
      default: '200',
      pattern: '^[0-9]{3}$',
      expected: 'a status code of three digits',
      description: 'Status code that means success.',
    }),
  }),
  *probe(_target, attributes) {
    const { naive, retcode } = attributes;
    yield requestOf(attributes);
    const line = (yield READ_STATUS_LINE).toString('latin1');
    if (!STATUS_LINE.test(line))
      return down('protocol', `expected an HTTP status line, got ${JSON.stringify(line)}`);
    const status = line.slice(STATUS_AT);
    if (status !== retcode) return down('content', `status ${status}, expected ${retcode}`);
    if (!naive) yield DRAIN;
    return up(`status ${status}`);
  },
});
