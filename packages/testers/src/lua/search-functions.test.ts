import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LuaFunction, lauxlib, lua, lualib, luaString } from './fengari.js';
import { SEARCH_FUNCTIONS } from './search-functions.js';

const subjects = fc.string({
  unit: fc.constantFrom('a', 'b', '1', ' ', '%', '(', ')', '\0', '\n'),
  maxLength: 30,
});
const PIECES = [
  'a',
  'b',
  '.',
  '%a',
  '%d',
  '%s*',
  '%z',
  '[%Z]',
  '[a1]',
  '[^b]',
  '(',
  ')',
  '()',
  'a*',
  '.-',
  'a+',
  'b?',
  '%1',
  '%b()',
  '%f[a]',
  '$',
  '%',
  '[',
];
const patterns = fc
  .tuple(fc.constantFrom('', '^'), fc.array(fc.constantFrom(...PIECES), { maxLength: 8 }))
  .map(([anchor, pieces]) => anchor + pieces.join(''))
  // the original goes back two bytes there, and never ends
  .filter((pattern) => !(pattern.includes('()') && pattern.includes('%1')));

const L = lauxlib.luaL_newstate();
for (const name of ['base', 'string', 'table']) {
  lauxlib.luaL_requiref(L, luaString(name), lualib[`luaopen_${name}`] as LuaFunction, true);
}

function original(name: string): LuaFunction {
  lua.lua_getglobal(L, luaString('string'));
  lua.lua_getfield(L, -1, luaString(name));
  const call = lua.lua_tocfunction(L, -1) as LuaFunction;
  lua.lua_settop(L, 0);
  return call;
}

function ours(name: string): LuaFunction {
  return SEARCH_FUNCTIONS[name] as LuaFunction;
}

/** All results of a call, or its error, as a text. */
function resultsOf(call: LuaFunction, texts: readonly (string | number | boolean)[]): string {
  lua.lua_settop(L, 0);
  lua.lua_pushjsfunction(L, call);
  for (const text of texts) {
    if (typeof text === 'string') lua.lua_pushstring(L, Buffer.from(text));
    else if (typeof text === 'number') lua.lua_pushinteger(L, text);
    else lua.lua_pushboolean(L, text);
  }
  return callPushed(texts.length);
}

/** Calls what is on the stack. */
function callPushed(values: number): string {
  if (lua.lua_pcall(L, values, lua.LUA_MULTRET, 0) !== lua.LUA_OK) return 'an error';
  const results: string[] = [];
  for (let i = 1; i <= lua.lua_gettop(L); i++) {
    results.push(Buffer.from(lauxlib.luaL_tolstring(L, i)).toString('latin1'));
    lua.lua_pop(L, 1);
  }
  return JSON.stringify(results);
}

const COLLECT = luaString(`
  local gmatch, subject, pattern = ...
  local all = {}
  for a, b in gmatch(subject, pattern) do all[#all + 1] = tostring(a) .. ";" .. tostring(b) end
  return table.concat(all, "|")`);

/** All that a `gmatch` goes through. */
function collect(gmatch: LuaFunction, texts: readonly string[]): string {
  lua.lua_settop(L, 0);
  lauxlib.luaL_loadbufferx(L, COLLECT, COLLECT.length, luaString('=collect'), null);
  lua.lua_pushjsfunction(L, gmatch);
  for (const text of texts) lua.lua_pushstring(L, Buffer.from(text));
  return callPushed(texts.length + 1);
}

describe('searching with patterns', () => {
  it.each(['find', 'match'])('%s finds what the original finds', (name) => {
    const call = original(name);
    fc.assert(
      fc.property(subjects, patterns, (subject, pattern) => {
        expect(resultsOf(ours(name), [subject, pattern])).toBe(resultsOf(call, [subject, pattern]));
      }),
    );
  });

  it('gsub replaces what the original replaces', () => {
    const call = original('gsub');
    fc.assert(
      fc.property(
        subjects,
        patterns,
        fc.constantFrom('<%0>', '%1', '', '%', '%%a', '%%%1'),
        (subject, pattern, by) => {
          const texts = [subject, pattern, by];
          expect(resultsOf(ours('gsub'), texts)).toBe(resultsOf(call, texts));
        },
      ),
    );
  });

  it('gsub takes what needs no percent sign in a replacement as it is, as Lua 5.1 did', () => {
    expect(resultsOf(ours('gsub'), ['a-b', '%-', '<%-%.%0%%>'])).toBe('["a<-.-%>b","1"]');
  });

  it('gmatch goes through what the original goes through', () => {
    const call = original('gmatch');
    fc.assert(
      fc.property(subjects, patterns, (subject, pattern) => {
        expect(collect(ours('gmatch'), [subject, pattern])).toBe(collect(call, [subject, pattern]));
      }),
    );
  });

  it('takes a position for no text to find again', () => {
    expect(resultsOf(ours('find'), ['abc', '()a%1'])).toBe('["nil"]');
  });

  it('find looks for plain texts as the original does', () => {
    const call = original('find');
    const starts = fc.integer({ min: -12, max: 12 });
    fc.assert(
      fc.property(
        subjects,
        fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 3 }),
        starts,
        (subject, text, start) => {
          const texts = [subject, text, start, true];
          expect(resultsOf(ours('find'), texts)).toBe(resultsOf(call, texts));
        },
      ),
    );
  });
});
