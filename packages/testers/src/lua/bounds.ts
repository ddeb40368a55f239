/**
 * Bounds on functions that take long in one go, where the interpreter cannot look at its clock.
 *
 * @module
 */
import {
  type LuaFunction,
  type LuaState,
  lauxlib,
  lua,
  luaString,
  MAX_STRING_BYTES,
  raise,
} from './fengari.js';

/** Makes another function of one of the interpreter's. */
export type Wrapper = (original: LuaFunction) => LuaFunction;

/** Items of a table that a function may go through: about 15 ms. */
const MAX_ITEMS = 20_000;
/** Longest format of a date, and longest text to be quoted with `%q`: about 10 ms. */
const MAX_FORMAT_BYTES = 1024;
const MAX_QUOTED_BYTES = 8192;
/** How much of a text is compiled between two looks at the clock. */
const PIECE_BYTES = 512;

/** @param measure What a call goes through. */
function bound(measure: (L: LuaState) => number, most: number, what = 'items'): Wrapper {
  return (original) => (L) => {
    if (measure(L) > most) raise(L, `more than ${most} ${what} at a time`);
    return original(L);
  };
}

function length(L: LuaState): number {
  return lua.lua_type(L, 1) === lua.LUA_TTABLE ? lua.lua_rawlen(L, 1) : 0;
}

/** A function whose arguments number `first` and `last` say which items, by default all of them. */
function boundRange(first: number, last: number): Wrapper {
  return bound(
    (L) => lauxlib.luaL_optinteger(L, last, length(L)) - lauxlib.luaL_optinteger(L, first, 1),
    MAX_ITEMS,
  );
}

/** Without a function to compare with, a sort gets one: whenever it is called, the clock is looked at. */
function compareByCalls(sort: LuaFunction): LuaFunction {
  const isLess: LuaFunction = (L) => {
    lua.lua_pushboolean(L, lua.lua_compare(L, 1, 2, lua.LUA_OPLT) !== 0);
    return 1;
  };
  return (L) => {
    if (lua.lua_gettop(L) < 2 || lua.lua_type(L, 2) === lua.LUA_TNIL) {
      lua.lua_settop(L, 1);
      lua.lua_pushjsfunction(L, isLess);
    }
    return sort(L);
  };
}

function stringBytes(L: LuaState, argument: number): number {
  return lua.lua_type(L, argument) === lua.LUA_TSTRING ? lua.lua_rawlen(L, argument) : 0;
}

/** How many bytes of a string the arguments number 2 and 3 say: by default the first one; negative ones count from its end. */
function substringBytes(L: LuaState): number {
  const bytes = stringBytes(L, 1);
  const fromStart = (at: number): number => (at < 0 ? bytes + at + 1 : at);
  const first = lauxlib.luaL_optinteger(L, 2, 1);
  const last = fromStart(lauxlib.luaL_optinteger(L, 3, first));
  return Math.min(last, bytes) - Math.max(fromStart(first), 1) + 1;
}

/** The longest argument of a format that quotes. */
function quotedBytes(L: LuaState): number {
  if (!Buffer.from(lua.lua_tostring(L, 1) ?? []).includes('%q')) return 0;
  let longest = 0;
  for (let i = lua.lua_gettop(L); i > 1; i--) longest = Math.max(longest, stringBytes(L, i));
  return longest;
}

/** Nothing, repeated a billion times. */
function repeat(rep: LuaFunction): LuaFunction {
  return (L) => {
    const isNothing = stringBytes(L, 1) === 0 && stringBytes(L, 3) === 0;
    if (!isNothing || lauxlib.luaL_checkinteger(L, 2) <= MAX_STRING_BYTES) return rep(L);
    lua.lua_pushstring(L, new Uint8Array());
    return 1;
  };
}

/** `load` takes text only, since compiled code would be trusted; and it takes a text in pieces, each by a call. */
function loadText(load: LuaFunction): LuaFunction {
  return (L) => {
    if (lua.lua_gettop(L) < 3) lua.lua_settop(L, 3);
    lua.lua_pushstring(L, luaString('t'));
    lua.lua_replace(L, 3);
    const text = lua.lua_type(L, 1) === lua.LUA_TSTRING ? lua.lua_tostring(L, 1) : null;
    if (text === null) return load(L);
    if (lua.lua_type(L, 2) === lua.LUA_TNIL) {
      lua.lua_pushvalue(L, 1);
      lua.lua_replace(L, 2);
    }
    let at = 0;
    lua.lua_pushjsfunction(L, (thread) => {
      lua.lua_pushstring(thread, text.subarray(at, at + PIECE_BYTES));
      at += PIECE_BYTES;
      return 1;
    });
    lua.lua_replace(L, 1);
    return load(L);
  };
}

type Wrappers = Readonly<Record<string, Wrapper>>;

/** By library. */
export const BOUNDED_FUNCTIONS: Readonly<Record<string, Wrappers>> = {
  _G: { load: loadText },
  os: { date: bound((L) => stringBytes(L, 1), MAX_FORMAT_BYTES, 'bytes') },
  string: {
    byte: bound(substringBytes, MAX_ITEMS),
    format: bound(quotedBytes, MAX_QUOTED_BYTES, 'bytes'),
    rep: repeat,
    unpack: bound((L) => stringBytes(L, 1), MAX_ITEMS),
  },
  table: {
    concat: boundRange(3, 4),
    insert: bound((L) => (lua.lua_gettop(L) > 2 ? length(L) : 0), MAX_ITEMS),
    move: boundRange(2, 3),
    remove: bound((L) => (lua.lua_gettop(L) > 1 ? length(L) : 0), MAX_ITEMS),
    sort: compareByCalls,
    unpack: boundRange(2, 3),
  },
  utf8: { codepoint: bound(substringBytes, MAX_ITEMS) },
};
