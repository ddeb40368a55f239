/**
 * The globals of a script: the standard libraries without what would end the tester, wait or run programs, and with
 * bounds on what takes long in one go.
 *
 * They are made once; each interpreter gets tables of its own with the same functions in them. That takes a tenth of the
 * time that opening the libraries would.
 *
 * @module
 */
import { BOUNDED_FUNCTIONS, type Wrapper } from './bounds.js';
import {
  type LuaFunction,
  type LuaState,
  type LuaTable,
  type LuaValue,
  lauxlib,
  lobject,
  ltable,
  lua,
  lualib,
  luaString,
} from './fengari.js';
import { FILE_FUNCTIONS, LOADING_FUNCTIONS } from './file-functions.js';
import { PRELUDE } from './prelude.js';
import { SEARCH_FUNCTIONS } from './search-functions.js';

const OPENERS = {
  _G: 'luaopen_base',
  coroutine: 'luaopen_coroutine',
  debug: 'luaopen_debug',
  math: 'luaopen_math',
  os: 'luaopen_os',
  string: 'luaopen_string',
  table: 'luaopen_table',
  utf8: 'luaopen_utf8',
};
/** All that is left of these: the rest ends the tester, runs programs, waits, or undoes our own measures. */
const KEPT = {
  debug: ['getinfo', 'traceback'],
  os: ['clock', 'date', 'difftime', 'getenv', 'remove', 'rename', 'time', 'tmpname'],
};
const SEARCH_PATH = './?.lua;./?/init.lua;/usr/local/share/lua/5.1/?.lua;/usr/share/lua/5.1/?.lua';
const NAMES = {
  index: luaString('__index'),
  loaded: luaString('loaded'),
  package: luaString('package'),
  path: luaString('path'),
  registered: luaString('_LOADED'),
  string: luaString('string'),
};

const TEMPLATE = makeTemplate();

/**
 * Gives a fresh interpreter its globals.
 *
 * @param folder Where `require` looks first.
 */
export function openLibraries(L: LuaState, folder: string): void {
  lua.lua_pushglobaltable(L);
  const globals = (L.stack[L.top - 1] as LuaValue).value as LuaTable;
  copyEntries(L, TEMPLATE, globals, new Map([[TEMPLATE, globals]]));
  lua.lua_getfield(L, 1, NAMES.package);
  lua.lua_pushstring(L, luaString(`${folder}/?.lua;${SEARCH_PATH}`));
  lua.lua_setfield(L, 2, NAMES.path);
  lua.lua_getfield(L, 2, NAMES.loaded);
  lua.lua_setfield(L, lua.LUA_REGISTRYINDEX, NAMES.registered);
  // the methods of strings, as in ("x"):rep(3)
  lua.lua_pushstring(L, new Uint8Array());
  lua.lua_createtable(L, 0, 1);
  lua.lua_getglobal(L, NAMES.string);
  lua.lua_setfield(L, -2, NAMES.index);
  lua.lua_setmetatable(L, -2);
  lua.lua_settop(L, 0);
}

function copyEntries(L: LuaState, from: LuaTable, to: LuaTable, copies: Map<LuaTable, LuaTable>): void {
  for (let entry = from.f; entry; entry = entry.n) {
    const { key, value } = entry;
    ltable.luaH_setfrom(L, to, key, value.type === lua.LUA_TTABLE ? copyTable(L, value, copies) : value);
  }
}

function copyTable(L: LuaState, { type, value }: LuaValue, copies: Map<LuaTable, LuaTable>): LuaValue {
  const table = value as LuaTable;
  let copy = copies.get(table);
  if (!copy) {
    copy = ltable.luaH_new(L);
    copies.set(table, copy);
    copyEntries(L, table, copy, copies);
  }
  return new lobject.TValue(type, copy);
}

function makeTemplate(): LuaTable {
  const L = lauxlib.luaL_newstate();
  for (const [name, opener] of Object.entries(OPENERS)) {
    lauxlib.luaL_requiref(L, luaString(name), lualib[opener] as LuaFunction, true);
  }
  for (const [name, kept] of Object.entries(KEPT)) keepOnly(L, name, kept);
  makePackage(L);
  define(L, '_G', LOADING_FUNCTIONS);
  define(L, 'string', { dump: undefined });
  for (const [name, call] of Object.entries(SEARCH_FUNCTIONS)) define(L, 'string', { [name]: () => call });
  for (const [library, functions] of Object.entries(BOUNDED_FUNCTIONS)) define(L, library, functions);
  runPrelude(L);
  lua.lua_settop(L, 0);
  lua.lua_pushglobaltable(L);
  return (L.stack[L.top - 1] as LuaValue).value as LuaTable;
}

/** Puts something in the place of functions of a library, or nothing. */
function define(
  L: LuaState,
  library: string,
  functions: Readonly<Record<string, Wrapper | undefined>>,
): void {
  lua.lua_getglobal(L, luaString(library));
  for (const [name, wrap] of Object.entries(functions)) {
    lua.lua_getfield(L, -1, luaString(name));
    const original = lua.lua_tocfunction(L, -1);
    lua.lua_pop(L, 1);
    if (wrap) lua.lua_pushjsfunction(L, wrap(original as LuaFunction));
    else lua.lua_pushnil(L);
    lua.lua_setfield(L, -2, luaString(name));
  }
  lua.lua_pop(L, 1);
}

function keepOnly(L: LuaState, library: string, names: readonly string[]): void {
  lua.lua_getglobal(L, luaString(library));
  const table = (L.stack[L.top - 1] as LuaValue).value as LuaTable;
  const all: string[] = [];
  for (let entry = table.f; entry; entry = entry.n) all.push(entry.key.jsstring());
  lua.lua_pop(L, 1);
  const others = all.filter((name) => !names.includes(name));
  define(L, library, Object.fromEntries(others.map((name) => [name, undefined])));
}

/** `package`, but for what loads native code. */
function makePackage(L: LuaState): void {
  lua.lua_createtable(L, 0, 2);
  lua.lua_createtable(L, 0, 0);
  lua.lua_setfield(L, -2, luaString('preload'));
  lua.lua_getfield(L, lua.LUA_REGISTRYINDEX, NAMES.registered);
  lua.lua_pushvalue(L, -2);
  lua.lua_setfield(L, -2, NAMES.package);
  lua.lua_setfield(L, -2, NAMES.loaded);
  lua.lua_setglobal(L, NAMES.package);
}

function runPrelude(L: LuaState): void {
  const code = luaString(PRELUDE);
  lauxlib.luaL_loadbufferx(L, code, code.length, luaString('=prelude'), null);
  for (const call of FILE_FUNCTIONS) lua.lua_pushjsfunction(L, call);
  if (lua.lua_pcall(L, FILE_FUNCTIONS.length, 0, 0) !== lua.LUA_OK) {
    throw new Error(Buffer.from(lauxlib.luaL_tolstring(L, -1)).toString());
  }
}
