import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startNsd } from './nsd.js';
import { outcomeOf } from './outcome-of.js';
import { findProgram, freePort, type ServerProcess } from './server-process.js';

const nsd = findProgram('nsd');
const skipped = nsd === undefined && process.env.SUREALIVED_NO_SKIP !== '1';
if (skipped) console.log('dns tests skipped: nsd missing; test/install-debian.sh installs it');

const ZONE = `
$ORIGIN example.org.
$TTL 3600
@      SOA   ns1 hostmaster 2026112001 7200 3600 1209600 3600
       NS    ns1
       NS    ns2.example.net.
       MX    10 mail
       MX    20 backup.example.net.
       TXT   "v=spf1 " "-all"
ns1    A     192.0.2.53
www    A     192.0.2.1
       A     192.0.2.2
       AAAA  2001:db8::1
alias  CNAME www
1      PTR   www
many   TXT   "${'x'.repeat(250)}"
       TXT   "${'y'.repeat(250)}"
       TXT   "${'z'.repeat(250)}"
`;

describe.skipIf(skipped)('dns with a real nsd', () => {
  const directory = mkdtempSync(join(tmpdir(), 'test-nsd-'));
  let port = 0;
  let server: ServerProcess;

  beforeAll(async () => {
    port = await freePort();
    server = await startNsd(nsd ?? 'nsd', {
      directory,
      port,
      addresses: ['127.0.0.1', '::1'],
      zone: { name: 'example.org', text: ZONE },
      settings: ['verbosity: 1'],
    });
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });

  const ask = (request: string, more: Readonly<Record<string, string>> = {}, address = '127.0.0.1') =>
    outcomeOf({ proto: 'dns', request, ...more }, { port, address });

  it.each(['127.0.0.1', '::1'])('at %s finds the SOA record', async (address) => {
    const { verdict, connectionProblem, responseMs } = await ask('example.org', {}, address);
    const detail = 'SOA ns1.example.org hostmaster.example.org 2026112001 7200 3600 1209600 3600';
    expect([verdict, connectionProblem]).toEqual([{ up: true, detail }, undefined]);
    expect(responseMs).toBeGreaterThan(0);
  });

  it.each([
    ['A', 'www.example.org', '192.0.2.2'],
    ['A', 'WWW.Example.ORG.', '192.0.2.1'],
    ['AAAA', 'www.example.org', '2001:0db8::0001'],
    ['NS', 'example.org', 'ns2.example.net'],
    ['MX', 'example.org', '10 mail.example.org'],
    ['TXT', 'example.org', 'v=spf1 -all'],
    ['CNAME', 'alias.example.org', 'www.example.org.'],
    ['A', 'alias.example.org', '192.0.2.1'],
    ['PTR', '1.example.org', 'www.example.org'],
    ['ANY', 'alias.example.org', 'www.example.org'],
  ])('finds the %s record of %s that is %s', async (qtype, request, expected) => {
    expect((await ask(request, { qtype, expect: expected })).verdict).toMatchObject({ up: true });
  });

  it.each([
    [
      'another address',
      'www.example.org',
      { qtype: 'A', expect: '192.0.2.9' },
      /^expected "192.0.2.9", the first of 2 is A /,
    ],
    ['no record of the type', 'www.example.org', { qtype: 'MX' }, /^no answer record$/],
    ['no such name', 'nobody.example.org', { qtype: 'A' }, /^NXDOMAIN$/],
    ['a zone of others', 'example.com', {}, /^REFUSED$/],
  ])('finds it down for %s', async (_what, request, more, detail) => {
    const { verdict } = await ask(request, more);
    expect(verdict).toMatchObject({ up: false, reason: 'content', detail: expect.stringMatching(detail) });
  });

  it('knows that an answer too large for a datagram is one', async () => {
    expect((await ask('many.example.org', { qtype: 'TXT' })).verdict).toMatchObject({ up: true });
    const { verdict } = await ask('many.example.org', { qtype: 'TXT', expect: 'w' });
    expect(verdict).toMatchObject({ up: false, detail: expect.stringContaining('(truncated)') });
  });

  it('asks from the address of bindaddr', async () => {
    const { verdict } = await outcomeOf(
      { proto: 'dns', request: 'example.org' },
      { port, bindaddr: '127.0.0.9' },
    );
    expect(verdict).toMatchObject({ up: true });
  });

  it('is refused where nobody listens', async () => {
    const outcome = await outcomeOf({ proto: 'dns', request: 'example.org' }, { port: await freePort() });
    expect(outcome).toMatchObject({
      verdict: { up: false, reason: 'refused' },
      connectionProblem: 'refused',
    });
  });
});
