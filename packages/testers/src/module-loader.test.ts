import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../shared/src/files.test-kit.js';
import type * as moduleLoader from './module-loader.js';
import { BUILT_IN_TESTERS } from './registry.js';

/** The built one, outside the test runner, which has an import() of its own. */
const { loadTesters } = createRequire(import.meta.url)('../dist/module-loader.js') as typeof moduleLoader;

const BUILT_IN = BUILT_IN_TESTERS.map(({ name }) => name);

function factory(name: string, fields = ''): string {
  return `export default ({ defineConstantTester, Type, up }) => defineConstantTester({
    name: '${name}', description: 'Is well.', attributes: Type.Object({}), verdict: up('well'), ${fields}
  });`;
}

function directoryWith(files: Readonly<Record<string, string>>): string {
  const directory = temporaryDirectory();
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return directory;
}

function load(directory: string, wanted = 'all') {
  return loadTesters({ directory, wanted });
}

async function problemsOf(directory: string, wanted = 'all'): Promise<string> {
  const problems = await load(directory, wanted).then(
    () => 'none',
    (error) => `${error.code}\n${error.message}`,
  );
  return problems.replaceAll(`${directory}/`, '');
}

describe('loadTesters', () => {
  it('has the built-in testers where there is no directory, or only modules of the original', async () => {
    expect((await load('/nonexistent/modules/')).names).toEqual(BUILT_IN);
    const directory = directoryWith({ 'mod_http.so': '\x7fELF', README: 'text', 'list.json': '[]' });
    expect((await load(directory)).names).toEqual(BUILT_IN);
  });

  it('adds what functions make of the tools they are given, and what is a tester already', async () => {
    const object = `export default {
      kind: 'stream', name: 'plain', description: 'Needs nothing.',
      attributes: { type: 'object', required: ['must'], properties: {
        must: { type: 'string', description: 'Mandatory.' },
        may: { type: 'integer', default: 1, description: 'Not.' } } },
      *probe() { return { up: true, detail: 'yes' }; },
    };`;
    const directory = directoryWith({ 'made.mjs': factory('made'), 'plain.js': object });
    const registry = await load(directory);
    expect(registry.names).toEqual([...BUILT_IN, 'made', 'plain']);
    expect(registry.find('made')).toMatchObject({ kind: 'constant', verdict: { up: true } });
  });

  it('has what a list names, and no-test', async () => {
    const directory = directoryWith({ 'made.mjs': factory('made'), 'broken.mjs': 'export default' });
    expect((await load(directory, 'made, tcp')).names).toEqual(['tcp', 'no-test', 'made']);
    expect((await load(directory, 'mod_http.so,mod_exec')).names).toEqual(['http', 'exec', 'no-test']);
    const known = `${BUILT_IN.join(', ')}, broken, made`;
    const expected = `SA_MODULE_INVALID\n${directory}: modules: no tester "mode" there, nor built in (${known}), did you mean "made"?`;
    expect(await problemsOf(directory, 'http,mode')).toBe(expected);
  });

  it('gives the same tester again until its file changes', async () => {
    const directory = directoryWith({ 'made.mjs': factory('made') });
    const first = (await load(directory)).find('made');
    expect((await load(directory)).find('made')).toBe(first);
    writeFileSync(join(directory, 'made.mjs'), factory('made', 'description: "Is new."'));
    expect((await load(directory)).find('made')).toMatchObject({ description: 'Is new.' });
  });

  it.each([
    ['syntax.mjs', 'export default {', 'Unexpected end of input (node --check tells where)'],
    ['throws.mjs', '\nexport default 1;\nthrow new Error("early");', /^3: early$/],
    ['fails.mjs', 'export default () => { null.x; }', /^1: Cannot read properties of null/],
    ['imports.mjs', 'import x from "absent"; export default x;', /Cannot find package 'absent'/],
    ['nothing.mjs', 'export const a = 1;', 'has no default export'],
    ['common.js', 'module.exports = { a: 1 };', 'expected an ES module, with import and export'],
    ['number.mjs', 'export default 1;', 'expected a tester, as one of the define…Tester functions makes it'],
    ['http.mjs', factory('http'), 'a tester "http" is built in'],
    ['made.mjs', factory('other'), 'its tester is called "other": file and tester need one name'],
    [
      'empty.mjs',
      'export default {};',
      'name: expected small letters, digits and hyphens; description: expected a sentence; ' +
        'kind: expected one of stream, datagram, task, constant; attributes: expected Type.Object({ … })',
    ],
    ['no-probe.mjs', factory('no-probe', 'kind: "stream"'), 'probe: expected a function'],
    [
      'promises.mjs',
      factory('promises', 'kind: "stream", async *probe() {}'),
      'probe: expected a function that is not async',
    ],
    ['no-verdict.mjs', factory('no-verdict', 'verdict: {}'), 'verdict: expected up(…) or down(…)'],
    [
      'no-reason.mjs',
      factory('no-reason', 'verdict: { up: false, reason: "mood", detail: "x" }'),
      'verdict: expected up(…) or down(…)',
    ],
    ['shares.mjs', factory('shares', 'shareable: "yes"'), 'shareable: expected true or false, or none'],
    [
      'bare.mjs',
      factory(
        'bare',
        'attributes: Type.Object({ a: Type.String(), b: Type.Number({ description: "b" }) })',
      ).replace('a: Type.String()', 'a: Type.Optional(Type.String())'),
      'attribute a: has no description; attribute a: is neither mandatory nor has a default',
    ],
  ])('refuses %s with %j', async (name, text, problem) => {
    const problems = await problemsOf(directoryWith({ [name]: text, 'good.mjs': factory('good') }));
    const [, told = ''] = problems.split(`${name}:`);
    expect(problems).toMatch(new RegExp(`^SA_MODULE_INVALID\n${name}:`));
    if (typeof problem === 'string') expect(told.trim()).toBe(problem);
    else expect(told.trim()).toMatch(problem);
  });

  it('names every module that is wrong', async () => {
    const twins = {
      'twin.js': factory('twin'),
      'twin.mjs': factory('twin'),
      'number.mjs': 'export default 1;',
    };
    const problems = await problemsOf(directoryWith(twins));
    expect(problems.split('\n').slice(1)).toEqual([
      'number.mjs: expected a tester, as one of the define…Tester functions makes it',
      'twin.js: twin.mjs makes a tester of the same name',
      'twin.mjs: twin.js makes a tester of the same name',
    ]);
  });

  it('asks about more than the shape', async () => {
    const directory = directoryWith({ 'made.mjs': factory('made') });
    const asked = loadTesters({
      directory,
      wanted: 'all',
      findFault: async ({ name }) => `${name} is out of fashion`,
    });
    await expect(asked).rejects.toThrow('made.mjs: made is out of fashion');
  });

  it('refuses what everybody may write to', async () => {
    const directory = directoryWith({ 'made.mjs': factory('made') });
    const file = join(directory, 'made.mjs');
    chmodSync(file, 0o666);
    expect(await problemsOf(directory)).toMatch(/made\.mjs: everybody may write to .*made\.mjs/);
    chmodSync(file, 0o644);
    chmodSync(directory, 0o777);
    await expect(load(directory)).rejects.toThrow(`everybody may write to ${directory}, and`);
    chmodSync(directory, 0o755);
    const elsewhere = join(temporaryDirectory(), 'links');
    mkdirSync(elsewhere);
    symlinkSync(file, join(elsewhere, 'made.mjs'));
    expect((await load(elsewhere)).names).toContain('made');
    chmodSync(directory, 0o777);
    await expect(load(elsewhere)).rejects.toThrow(`everybody may write to ${directory}, and`);
  });
});
