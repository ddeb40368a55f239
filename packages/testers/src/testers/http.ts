import { Flag, LineText } from '../attributes.js';
import { drain, read, write } from '../requests.js';
import { defineStreamTester, down, up } from '../tester.js';
import Type from '../type.js';

const STATUS_LINE_BYTES = 12; // "HTTP/1.1 200"

interface Page {
  readonly url: string;
  readonly host: string;
}

/** By the attributes, which all reals that ask for the same share. */
const requests = new WeakMap<Page, Buffer>();

function requestOf(page: Page): Buffer {
  let request = requests.get(page);
  if (!request) {
    const { url, host } = page;
    request = Buffer.from(`GET ${url} HTTP/1.0\r\nHost: ${host}\r\nUser-Agent: SureAliveD\r\n\r\n`);
    requests.set(page, request);
  }
  return request;
}

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
    yield* write(requestOf(attributes));
    const line = (yield* read(STATUS_LINE_BYTES)).toString('latin1');
    const [, status] = /^HTTP\/\d\.\d (\d{3})$/.exec(line) ?? [];
    if (status === undefined)
      return down('protocol', `expected an HTTP status line, got ${JSON.stringify(line)}`);
    if (status !== retcode) return down('content', `status ${status}, expected ${retcode}`);
    if (!naive) yield* drain();
    return up(`status ${status}`);
  },
});
