/**
 * The Lua interpreter (fengari has no types), with its strings put right. Numbers are those of Lua 5.1: 10 / 2 is 5, not 5.0.
 *
 * Some of its operations take time in proportion to a string and cannot be interrupted, so there is a longest string.
 * And strings of different bytes can have one hash, by which it compares them and finds them in tables: "\\1#" and
 * "\\18\\3". Every string passes through a few functions of the interpreter, which are replaced here before the rest of it
 * takes them over: nothing else may load it earlier.
 *
 * @module
 */
import { createRequire } from 'node:module';

/** Longest string of a script. Taking one for a number is the slowest that can be done with it: about 25 ms. */
export const MAX_STRING_BYTES = 256 << 10;
/** Strings above this make the interpreter look at its clock after every instruction. */
const LONG_STRING_BYTES = 2 << 10;

/** Bit of a call that runs Lua, and not a function of ours. */
const RUNS_LUA = 1 << 1;

/** A value as the interpreter holds it. */
export interface LuaValue {
  readonly type: number;
  readonly value: unknown;
  /** Of a string. */
  jsstring(): string;
}

interface TableEntry {
  readonly key: LuaValue;
  readonly value: LuaValue;
  /** The next one. */
  readonly n: TableEntry | undefined;
}

export interface LuaTable {
  /** The first entry. */
  readonly f: TableEntry | undefined;
}

/** A thread of the interpreter; the first one of a fresh interpreter stands for all of it. */
export interface LuaState {
  readonly stack: LuaValue[];
  readonly top: number;
  /** The running function; its arguments follow it on the stack. */
  readonly ci: { readonly funcOff: number; readonly callstatus: number };
  /** Instructions until the next call of the hook, and after that. */
  hookcount: number;
  basehookcount: number;
}

/** A compiled function, which any number of interpreters may share. */
export type LuaProto = object;
/** Bytes of a Lua string. */
export type LuaString = Uint8Array;
/** A function for scripts to call: arguments are on the stack, and so are results, which it counts. */
export type LuaFunction = (L: LuaState) => number;
type Hook = (L: LuaState, info: LuaDebug) => void;
export interface LuaDebug {
  readonly event: number;
  readonly currentline: number;
  readonly short_src: LuaString | null;
}

interface Lua {
  readonly LUA_OK: 0;
  readonly LUA_MASKCALL: number;
  readonly LUA_MASKCOUNT: number;
  readonly LUA_HOOKCOUNT: number;
  readonly LUA_MULTRET: number;
  readonly LUA_OPLT: number;
  readonly LUA_REGISTRYINDEX: number;
  readonly LUA_TNONE: -1;
  readonly LUA_TNIL: 0;
  readonly LUA_TNUMBER: 3;
  readonly LUA_TSTRING: 4;
  readonly LUA_TTABLE: 5;
  readonly LUA_TFUNCTION: 6;
  lua_atnativeerror(L: LuaState, handler: LuaFunction): void;
  lua_call(L: LuaState, args: number, results: number): void;
  lua_compare(L: LuaState, a: number, b: number, operation: number): number;
  lua_createtable(L: LuaState, items: number, fields: number): void;
  lua_error(L: LuaState): never;
  lua_getfield(L: LuaState, index: number, key: LuaString): number;
  lua_getglobal(L: LuaState, name: LuaString): number;
  lua_getinfo(L: LuaState, what: LuaString, info: LuaDebug): number;
  lua_gettable(L: LuaState, index: number): number;
  lua_gettop(L: LuaState): number;
  lua_insert(L: LuaState, index: number): void;
  lua_isnumber(L: LuaState, index: number): boolean;
  lua_pcall(L: LuaState, args: number, results: number, handler: number): number;
  lua_pop(L: LuaState, count: number): void;
  lua_pushboolean(L: LuaState, value: boolean): void;
  lua_pushglobaltable(L: LuaState): void;
  lua_pushinteger(L: LuaState, value: number): void;
  lua_pushjsfunction(L: LuaState, value: LuaFunction): void;
  lua_pushnil(L: LuaState): void;
  lua_pushnumber(L: LuaState, value: number): void;
  lua_pushstring(L: LuaState, value: LuaString): void;
  lua_pushvalue(L: LuaState, index: number): void;
  lua_rawlen(L: LuaState, index: number): number;
  lua_replace(L: LuaState, index: number): void;
  lua_setfield(L: LuaState, index: number, key: LuaString): void;
  lua_setglobal(L: LuaState, name: LuaString): void;
  lua_sethook(L: LuaState, hook: Hook, mask: number, count: number): void;
  lua_setmetatable(L: LuaState, index: number): void;
  lua_settop(L: LuaState, index: number): void;
  lua_tocfunction(L: LuaState, index: number): LuaFunction | null;
  lua_toboolean(L: LuaState, index: number): boolean;
  lua_tointeger(L: LuaState, index: number): number;
  lua_tonumber(L: LuaState, index: number): number;
  lua_tostring(L: LuaState, index: number): LuaString | null;
  lua_touserdata(L: LuaState, index: number): unknown;
  lua_type(L: LuaState, index: number): number;
}

/** What is built up piece by piece before it becomes a string. */
interface StringBuffer {
  readonly L: LuaState;
  /** Bytes so far. */
  readonly n: number;
}

interface Lauxlib {
  luaL_addchar(buffer: StringBuffer, byte: number): void;
  luaL_addlstring(buffer: StringBuffer, bytes: LuaString, length: number): void;
  luaL_addvalue(buffer: StringBuffer): void;
  luaL_buffinitsize(L: LuaState, buffer: StringBuffer, length: number): LuaString;
  luaL_checkinteger(L: LuaState, argument: number): number;
  luaL_checkstring(L: LuaState, argument: number): LuaString;
  luaL_error(L: LuaState, message: LuaString): never;
  luaL_loadbufferx(
    L: LuaState,
    text: Uint8Array,
    length: number,
    name: LuaString,
    mode: LuaString | null,
  ): number;
  luaL_newstate(): LuaState;
  luaL_optinteger(L: LuaState, argument: number, fallback: number): number;
  luaL_requiref(L: LuaState, name: LuaString, open: LuaFunction, global: boolean): void;
  luaL_tolstring(L: LuaState, index: number): LuaString;
}

/** Where the interpreter puts a number that it has read. */
interface NumberSlot {
  readonly value: number;
  ttisinteger(): boolean;
  setfltvalue(value: number): void;
}

interface HashedString {
  hash: string | null;
  getstr(): LuaString;
}

interface Internals {
  readonly ldebug: { luaG_runerror(L: LuaState, message: LuaString): never };
  readonly ltable: {
    luaH_new(L: LuaState): LuaTable;
    luaH_setfrom(L: LuaState, table: LuaTable, key: LuaValue, value: LuaValue): void;
  };
  readonly lobject: {
    luaO_str2num(text: LuaString, into: NumberSlot): number;
    readonly TValue: new (type: number, value: unknown) => LuaValue;
    readonly LClosure: new (L: LuaState, upvalues: number) => { p: LuaProto; upvals: LuaValue[] };
  };
  readonly lstring: {
    luaS_bless(L: LuaState, bytes: LuaString): object;
    luaS_hash(bytes: LuaString): string;
    luaS_hashlongstr(string: HashedString): string;
    luaS_new(L: LuaState, bytes: LuaString): object;
  };
}

const require = createRequire(import.meta.url);
writeNumbersAsBefore();
const lstring = require('fengari/src/lstring.js') as Internals['lstring'];
boundStrings();
hashByAllBytes();
pushLargeIntegers();
export const lauxlib = require('fengari/src/lauxlib.js') as Lauxlib;
boundBuffers();
cutOffFractions();
const fengari = require('fengari') as {
  readonly lua: Lua;
  readonly lualib: Readonly<Record<string, LuaFunction>>;
};

export const lua: Lua = fengari.lua;
export const lualib = fengari.lualib;
export const ltable = require('fengari/src/ltable.js') as Internals['ltable'];
const ldebug = require('fengari/src/ldebug.js') as Internals['ldebug'];
export const lobject = require('fengari/src/lobject.js') as Internals['lobject'];
readNumbersAsBefore();

/** A text as a Lua string: UTF-8, as in the file that a script is read from. */
export function luaString(text: string): LuaString {
  return new TextEncoder().encode(text);
}

/** Ends the running function with an error that tells the script's line. */
export function raise(L: LuaState, message: string): never {
  const text = luaString(message.replaceAll('%', '%%'));
  // in the middle of an operator there is no room on the stack for a function's error
  return L.ci.callstatus & RUNS_LUA ? ldebug.luaG_runerror(L, text) : lauxlib.luaL_error(L, text);
}

function refuseLongString(L: LuaState, bytes: number): void {
  if (bytes > MAX_STRING_BYTES) raise(L, `a string of more than ${MAX_STRING_BYTES} bytes`);
  if (bytes <= LONG_STRING_BYTES || L.basehookcount === 0) return;
  L.basehookcount = 1;
  L.hookcount = 1;
}

/** A setting of the interpreter, which most of it takes over when it is loaded. */
function writeNumbersAsBefore(): void {
  require('fengari/src/defs.js'); // it and its settings need each other, in this order
  const settings = require('fengari/src/luaconf.js') as { LUA_COMPAT_FLOATSTRING: boolean };
  settings.LUA_COMPAT_FLOATSTRING = true;
}

function boundStrings(): void {
  const { luaS_bless, luaS_new } = lstring;
  lstring.luaS_bless = (L, bytes) => {
    if (bytes.length > LONG_STRING_BYTES) refuseLongString(L, bytes.length);
    return luaS_bless(L, bytes);
  };
  // not an arrow function: the interpreter calls it with `new`
  lstring.luaS_new = function luaS_newBounded(L, bytes) {
    if (bytes.length > LONG_STRING_BYTES) refuseLongString(L, bytes.length);
    return luaS_new(L, bytes);
  };
}

/** A character for each byte: different strings differ, in the order of their bytes. */
function hashByAllBytes(): void {
  const hash = (bytes: LuaString): string =>
    `|${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')}`;
  lstring.luaS_hash = hash;
  lstring.luaS_hashlongstr = (string) => {
    string.hash ??= hash(string.getstr());
    return string.hash;
  };
}

function boundBuffers(): void {
  const { luaL_addchar, luaL_addlstring, luaL_addvalue, luaL_buffinitsize } = lauxlib;
  lauxlib.luaL_addchar = (buffer, byte) => {
    if (buffer.n >= MAX_STRING_BYTES) refuseLongString(buffer.L, buffer.n + 1);
    luaL_addchar(buffer, byte);
  };
  lauxlib.luaL_addlstring = (buffer, bytes, length) => {
    if (buffer.n + length > MAX_STRING_BYTES) refuseLongString(buffer.L, buffer.n + length);
    luaL_addlstring(buffer, bytes, length);
  };
  lauxlib.luaL_addvalue = (buffer) => {
    luaL_addvalue(buffer);
    if (buffer.n > MAX_STRING_BYTES) refuseLongString(buffer.L, buffer.n);
  };
  lauxlib.luaL_buffinitsize = (L, buffer, length) => {
    if (length > MAX_STRING_BYTES) refuseLongString(L, length);
    return luaL_buffinitsize(L, buffer, length);
  };
}

/**
 * As in Lua 5.1, which has one kind of numbers: what is written or read is a float, so that sums and products are not cut to
 * the 32 bits of this interpreter's integers. Whole floats serve wherever integers do.
 */
function readNumbersAsBefore(): void {
  const { luaO_str2num } = lobject;
  lobject.luaO_str2num = (text, into) => {
    const length = luaO_str2num(text, into);
    if (length > 0 && into.ttisinteger()) into.setfltvalue(wholeNumber(text) ?? into.value);
    return length;
  };
}

/** The value of a hexadecimal numeral, of which the interpreter keeps the last 32 bits only. */
function wholeNumber(text: LuaString): number | undefined {
  const [, sign, digits] = /^\s*([+-]?)0x([0-9a-f]+)/i.exec(Buffer.from(text).toString('latin1')) ?? [];
  if (digits === undefined) return undefined;
  return Number.parseInt(digits, 16) * (sign === '-' ? -1 : 1);
}

/** What has no room in an integer of this interpreter is a float: the time of day after 2038, among others. */
function pushLargeIntegers(): void {
  const lapi = require('fengari/src/lapi.js') as Pick<Lua, 'lua_pushinteger' | 'lua_pushnumber'>;
  const { lua_pushinteger, lua_pushnumber } = lapi;
  lapi.lua_pushinteger = (L, value) => ((value | 0) === value ? lua_pushinteger : lua_pushnumber)(L, value);
}

/** As in Lua 5.1: where a function wants a whole number, 3.7 is 3, and 53 bits will do. Both are errors in 5.3. */
function cutOffFractions(): void {
  const { luaL_checkinteger } = lauxlib;
  lauxlib.luaL_checkinteger = (L, argument) => {
    const whole = Math.trunc(lua.lua_tonumber(L, argument));
    const isNumber = whole !== 0 || lua.lua_isnumber(L, argument);
    return isNumber && Number.isSafeInteger(whole) ? whole : luaL_checkinteger(L, argument);
  };
  lauxlib.luaL_optinteger = (L, argument, fallback) =>
    lua.lua_type(L, argument) <= lua.LUA_TNIL ? fallback : lauxlib.luaL_checkinteger(L, argument);
}
