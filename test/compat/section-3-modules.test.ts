import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAddress } from '@surealived/shared/address';
import { driveProbe } from '@surealived/testers/kit/drive';
import { runTask } from '@surealived/testers/kit/run-task';
import type { DatagramTester, StreamTester, Target, TaskTester } from '@surealived/testers/tester';
import dns from '@surealived/testers/testers/dns';
import exec from '@surealived/testers/testers/exec';
import http from '@surealived/testers/testers/http';
import lua from '@surealived/testers/testers/lua';
import noTest from '@surealived/testers/testers/no-test';
import tcp from '@surealived/testers/testers/tcp';
import { expect } from 'vitest';
import { untilGone } from '../daemons/detached-daemon.js';
import { TemporaryDirectory, untilText } from './kit.js';
import { prove } from './prove.js';

function at(text: string) {
  const address = parseAddress(text);
  if (!address) throw new Error(`not an address: ${text}`);
  return address;
}

const target: Target = {
  address: at('10.0.0.11'),
  port: 8080,
  bindAddress: undefined,
  virtual: { name: 'web', protocol: 'tcp', address: at('192.168.0.1'), port: 80, fwmark: 0 },
  real: { name: 'w1', address: at('10.0.0.11'), port: 81 },
};

/** What a stream tester makes of an answer, after which the server closes. */
function talk(tester: StreamTester, attributes: Record<string, unknown>, answer: string) {
  const { verdict, written } = driveProbe(tester.probe(target, attributes), Buffer.from(answer, 'latin1'));
  return { isUp: verdict.up, written: written.toString('latin1') };
}

const page = { url: '/check', host: 'www.example.org', naive: false, retcode: '200' };
const fetchPage = (answer: string, own: object = {}) => talk(http, { ...page, ...own }, answer).isUp;

/** Whether the http tester reads on after the status line. */
function drains(naive: boolean): boolean {
  const probe = http.probe(target, { ...page, naive });
  const wants: string[] = [];
  for (let step = probe.next(Buffer.alloc(0)); !step.done; ) {
    wants.push(step.value.want);
    step = probe.next(Buffer.from(step.value.want === 'read' ? 'HTTP/1.1 200' : ''));
  }
  return wants.includes('drain');
}

/** A query for example.org, type SOA, class IN, recursion wished for; its id is random. */
const QUESTION = '076578616d706c65036f72670000060001';
const ANY_ID = '____';
const QUERY = `${ANY_ID}01000001000000000000${QUESTION}`;

function script(directory: TemporaryDirectory, text: string): string {
  const file = join(directory.path, 'script');
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o755);
  return file;
}

const TALK = { script: fileURLToPath(new URL('files/talk.lua', import.meta.url)), params: 'one two' };
const PREPARED = 'one two|web|192.168.0.1|80|tcp|0|w1|10.0.0.11|81|8080';

prove('3 Services: modules', {
  'tcp: the connection is enough'() {
    expect(talk(tcp as StreamTester, {}, '')).toEqual({ isUp: true, written: '' });
  },
  'http: HTTP/1.0 GET with Host and User-Agent: SureAliveD'() {
    expect(talk(http, page, 'HTTP/1.1 200 OK\r\n\r\n')).toEqual({
      isUp: true,
      written: 'GET /check HTTP/1.0\r\nHost: www.example.org\r\nUser-Agent: SureAliveD\r\n\r\n',
    });
  },
  'http: the 3 characters of the status equal retcode, 200 by default'() {
    expect(http.attributes.properties.retcode).toMatchObject({ default: '200' });
    expect(fetchPage('HTTP/1.0 200 OK\r\n\r\n')).toBe(true);
    expect(fetchPage('HTTP/1.1 204 No Content\r\n\r\n', { retcode: '204' })).toBe(true);
    expect(fetchPage('HTTP/1.1 204 No Content\r\n\r\n')).toBe(false);
    expect(fetchPage('HTTP/1.1 20')).toBe(false);
  },
  'http: unless naive, the body is read to its end'() {
    expect([drains(false), drains(true)]).toEqual([true, false]);
  },
  'dns: asks for the SOA, class IN; any answer record is success'() {
    const { request, judge } = (dns as DatagramTester).exchange(target, {
      request: 'example.org',
      qtype: 'SOA',
      expect: '',
    });
    const hex = Buffer.from(request).toString('hex');
    expect(`${ANY_ID}${hex.slice(4)}`).toBe(QUERY);
    const id = hex.slice(0, 4);
    const answer = (counts: string, record: string) =>
      judge(Buffer.from(`${id}8180${counts}${QUESTION}${record}`, 'hex'))?.up;
    const someRecord = 'c00c00010001000000050004c0000201'; // an address, 192.0.2.1
    expect(answer('0001000100000000', someRecord)).toBe(true);
    expect(answer('0001000000000000', '')).toBe(false);
  },
  async 'exec: arguments are address, test port, and params split at single spaces'() {
    using directory = new TemporaryDirectory();
    const program = script(directory, `for word; do printf '[%s]' "$word"; done`);
    const { received } = await runTask(exec as TaskTester, target, { exec: program, params: '-a b  c' });
    expect(received.toString()).toBe('[10.0.0.11][8080][-a][b][][c]');
  },
  async 'exec: exit 0 is success; at the time-out the process group is killed'() {
    using directory = new TemporaryDirectory();
    const check = async (text: string) =>
      (await runTask(exec as TaskTester, target, { exec: script(directory, text), params: '' })).verdict.up;
    expect([await check('exit 0'), await check('exit 3')]).toEqual([true, false]);
    const pids = join(directory.path, 'pids');
    const program = script(directory, `sleep 1000 &\necho $$ $! > ${pids}\nwait`);
    const { signal, abort } = aborter();
    const hanging = runTask(exec as TaskTester, target, { exec: program, params: '' }, { signal });
    const text = await untilText(pids, (content) => content.endsWith('\n'));
    abort();
    expect((await hanging).verdict.up).toBe(false);
    for (const pid of text.trim().split(' ')) await untilGone(Number(pid));
  },
  'lua: prepare gets nine things besides params, process_event what was read'() {
    expect(talk(lua, TALK, '220 hi').written).toBe(PREPARED);
  },
  'lua: w, r, rav, eok and efail'() {
    expect(talk(lua, TALK, '220 hi').isUp).toBe(true);
    expect(talk(lua, TALK, '421 hi').isUp).toBe(false);
  },
  'lua: the script begins anew for each test'() {
    const twice = [0, 1].map(() => talk(lua, TALK, '220 hi'));
    expect(twice).toEqual([twice[0], { isUp: true, written: PREPARED }]);
  },
  'no-test: always online'() {
    expect(noTest).toMatchObject({ kind: 'constant', verdict: { up: true } });
  },
});

function aborter(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}
