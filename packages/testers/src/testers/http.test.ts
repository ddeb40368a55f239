import { describe, expect, it } from 'vitest';
import { conformanceChecks, exampleTarget } from '../kit/conformance.js';
import { driveProbe } from '../kit/drive.js';
import http from './http.js';

const target = exampleTarget();
const attributes = { url: '/health', host: 'www.example.org', naive: false, retcode: '200' };
const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

function verdictOn(text: string, overrides = {}) {
  return driveProbe(http.probe(target, { ...attributes, ...overrides }), Buffer.from(text));
}

describe('http', () => {
  for (const { title, run } of conformanceChecks(http, { attributes, answer, decisiveBytes: 12 }))
    it(title, run);

  it('sends an HTTP/1.0 GET with Host and User-Agent, and nothing else', () => {
    const expected = 'GET /health HTTP/1.0\r\nHost: www.example.org\r\nUser-Agent: SureAliveD\r\n\r\n';
    expect(verdictOn(answer).written.toString()).toBe(expected);
  });

  it.each([
    ['HTTP/1.1 200 OK\r\n\r\n', {}, { up: true, detail: 'status 200' }],
    ['HTTP/1.0 204 No Content\r\n\r\n', { retcode: '204' }, { up: true, detail: 'status 204' }],
    ['HTTP/1.1 503 Busy\r\n\r\n', {}, { up: false, reason: 'content', detail: 'status 503, expected 200' }],
    ['HTTP/1.1 2000', {}, { up: true, detail: 'status 200' }],
    ['SSH-2.0-OpenSSH_9.2p1', {}, { up: false, reason: 'protocol' }],
    ['', {}, { up: false, reason: 'protocol' }],
  ])('judges %j with %j', (text, overrides, expected) => {
    expect(verdictOn(text, overrides).verdict).toMatchObject(expected);
  });

  it('reads the page unless naive', () => {
    const wants = (naive: boolean): string[] => {
      const probe = http.probe(target, { ...attributes, naive });
      const asked: string[] = [];
      let step = probe.next(Buffer.alloc(0));
      while (!step.done) {
        asked.push(step.value.want);
        step = probe.next(Buffer.from(step.value.want === 'read' ? answer.slice(0, 12) : ''));
      }
      return asked;
    };
    expect(wants(false)).toEqual(['write', 'read', 'drain']);
    expect(wants(true)).toEqual(['write', 'read']);
  });
});
