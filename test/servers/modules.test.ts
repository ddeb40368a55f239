import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { conformanceChecks } from '@surealived/testers/kit/conformance';
import { loadTesters } from '@surealived/testers/module-loader';
import type { StreamTester } from '@surealived/testers/tester';
import { loadRegistry } from 'surealived/config/registry';
import { loadSources } from 'surealived/config/sources';
import { describe, expect, it, onTestFinished } from 'vitest';
import { outcomeOf } from './outcome-of.js';

const examples = fileURLToPath(new URL('../../examples/', import.meta.url));
const registry = await loadTesters({ directory: join(examples, 'modules'), wanted: 'all' });

/** A server that knows PING, and AUTH with one password. @returns Its port. */
async function redisServer(password: string | undefined): Promise<number> {
  const server = createServer((socket: Socket) => {
    let hasLoggedIn = password === undefined;
    socket.on('error', () => undefined); // tests end by a reset
    socket.on('data', (request) => {
      const [name, argument] = request
        .toString()
        .split('\r\n')
        .filter((line) => /^\w/.test(line));
      if (name === 'AUTH') hasLoggedIn = argument === password;
      if (name === 'AUTH') socket.write(hasLoggedIn ? '+OK\r\n' : '-WRONGPASS invalid password\r\n');
      else socket.write(hasLoggedIn ? '+PONG\r\n' : '-NOAUTH Authentication required.\r\n');
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** A configuration whose modules are in `modules`, which is beside it. */
function configurationIn(directory: string): { readonly configFile: string; readonly modules: string } {
  const configFile = join(directory, 'surealived.cfg');
  writeFileSync(configFile, `modules_path ${directory}\n`);
  return { configFile, modules: directory };
}

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'test-modules-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

describe('examples/modules/redis.mjs', () => {
  const tester = registry.find('redis') as StreamTester;
  const sample = { attributes: { password: '', expect: '+PONG' }, answer: '+PONG\r\n', decisiveBytes: 7 };
  for (const { title, run } of conformanceChecks(tester, sample)) it(title, run);

  it.each([
    [undefined, {}, { up: true, detail: '+PONG' }],
    ['secret', { password: 'secret' }, { up: true, detail: '+PONG' }],
    ['secret', { password: 'other' }, { up: false, detail: 'login: -WRONGPASS invalid password' }],
    ['secret', {}, { up: false, detail: 'expected +PONG, got -NOAUTH Authentication required.' }],
    ['secret', { expect: '-NOAUTH Authentication required.' }, { up: true }],
  ])(
    'on a server with the password %s and attributes %j has its verdict',
    async (password, attributes, verdict) => {
      const port = await redisServer(password);
      const outcome = await outcomeOf({ proto: 'redis', ...attributes }, { port }, registry);
      expect(outcome.verdict).toMatchObject(verdict);
    },
  );
});

describe('a configuration with modules', () => {
  it('loads examples/modules.xml', async () => {
    const { configFile, modules } = configurationIn(temporaryDirectory());
    copyFileSync(join(examples, 'modules', 'redis.mjs'), join(modules, 'redis.mjs'));
    const sources = { configFile, servicesFile: join(examples, 'modules.xml'), strict: true };
    const first = await loadSources(sources);
    expect(first.services.virtuals[0]?.testing.tester.name).toBe('redis');
    const again = await loadRegistry(first.config);
    expect(again.find('redis')).toBe(first.registry.find('redis'));
  });

  it.each([
    [
      'of an attribute that every real has',
      'Type.Object({ port: Type.String({ default: "", description: "Port." }) })',
      'attribute port: every <tester> or <real> has one of this name',
    ],
    [
      'of a schema that is none',
      '{ type: "object", properties: { own: { type: "text", default: "", description: "Own." } } }',
      /^attributes: schema is invalid/,
    ],
  ])('refuses a module because %s', async (_what, attributes, problem) => {
    const { configFile, modules } = configurationIn(temporaryDirectory());
    writeFileSync(
      join(modules, 'own.mjs'),
      `export default ({ defineConstantTester, Type, up }) => defineConstantTester({
        name: 'own', description: 'Is well.', verdict: up('well'), attributes: ${attributes} });`,
    );
    const sources = { configFile, servicesFile: join(examples, 'web.xml'), strict: false };
    const error = await loadSources(sources).catch((thrown: Error) => thrown);
    const [file, told] = String((error as Error).message).split('own.mjs: ');
    expect(file).toBe(`${modules}/`);
    if (typeof problem === 'string') expect(told).toBe(problem);
    else expect(told).toMatch(problem);
  });
});
