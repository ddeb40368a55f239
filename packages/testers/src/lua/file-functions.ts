/**
 * Lua's functions that read and write files: `require` and its like, and what the prelude builds `io` on.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { messageOf } from '@surealived/shared/errors';
import type { Wrapper } from './bounds.js';
import { loadChunk, pushChunk } from './chunk.js';
import {
  type LuaFunction,
  type LuaState,
  lauxlib,
  lua,
  luaString,
  MAX_STRING_BYTES,
  raise,
} from './fengari.js';
import { appendToFile, readSmallFile } from './small-file.js';

const [LOADED, PACKAGE, PATH, PRELOAD] = ['_LOADED', 'package', 'path', 'preload'].map(luaString) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
];

function textArgument(L: LuaState, argument: number): string {
  return Buffer.from(lauxlib.luaL_checkstring(L, argument)).toString();
}

/** Pushes what `use` returned, or nil and the reason. */
function orReason(L: LuaState, use: () => void): number {
  try {
    use();
    return 1;
  } catch (error) {
    if (!(error instanceof Error)) throw error; // the interpreter's own
    lua.lua_pushnil(L);
    lua.lua_pushstring(L, luaString(messageOf(error)));
    return 2;
  }
}

const loadFile: LuaFunction = (L) => {
  const path = textArgument(L, 1);
  return orReason(L, () => pushChunk(L, loadChunk(path)));
};

const doFile: LuaFunction = (L) => {
  if (loadFile(L) !== 1) return lua.lua_error(L);
  lua.lua_call(L, 0, lua.LUA_MULTRET);
  return lua.lua_gettop(L) - 1;
};

/** As Lua's own, from `package.preload` and then from the files of `package.path`. */
const requireModule: LuaFunction = (L) => {
  const name = lauxlib.luaL_checkstring(L, 1);
  lua.lua_settop(L, 1);
  lua.lua_getfield(L, lua.LUA_REGISTRYINDEX, LOADED);
  lua.lua_getfield(L, 2, name);
  if (lua.lua_toboolean(L, 3)) return 1;
  lua.lua_settop(L, 2);
  pushLoader(L, Buffer.from(name).toString());
  lua.lua_pushstring(L, name);
  lua.lua_call(L, 1, 1);
  if (lua.lua_type(L, -1) !== lua.LUA_TNIL) lua.lua_setfield(L, 2, name);
  lua.lua_settop(L, 2);
  if (lua.lua_getfield(L, 2, name) !== lua.LUA_TNIL) return 1;
  lua.lua_pushboolean(L, true);
  lua.lua_pushvalue(L, -1);
  lua.lua_setfield(L, 2, name);
  return 1;
};

/** @param L Has the loaded modules at 2; the function that makes the module is pushed. */
function pushLoader(L: LuaState, name: string): void {
  lua.lua_getfield(L, 2, PACKAGE);
  lua.lua_getfield(L, 3, PRELOAD);
  const isPreloaded = lua.lua_getfield(L, 4, luaString(name)) === lua.LUA_TFUNCTION;
  if (isPreloaded) return;
  lua.lua_getfield(L, 3, PATH);
  const templates = Buffer.from(lua.lua_tostring(L, -1) ?? [])
    .toString()
    .split(';');
  lua.lua_settop(L, 3);
  const paths = templates.map((template) => template.replaceAll('?', name.replaceAll('.', '/')));
  const path = paths.find((candidate) => existsSync(candidate));
  if (path === undefined) raise(L, `module '${name}' not found (${paths.join(', ')})`);
  if (orReason(L, () => pushChunk(L, loadChunk(path))) !== 1) lua.lua_error(L);
}

const readWhole: LuaFunction = (L) => {
  const path = textArgument(L, 1);
  return orReason(L, () => lua.lua_pushstring(L, readSmallFile(path, MAX_STRING_BYTES)));
};

const append: LuaFunction = (L) => {
  const path = textArgument(L, 1);
  const data = lauxlib.luaL_checkstring(L, 2);
  return orReason(L, () => {
    appendToFile(path, data);
    lua.lua_pushvalue(L, 1);
  });
};

const truncate: LuaFunction = (L) => {
  const path = textArgument(L, 1);
  return orReason(L, () => {
    appendToFile(path, new Uint8Array(), { truncate: true });
    lua.lua_pushvalue(L, 1);
  });
};

/** What the prelude is called with. */
export const FILE_FUNCTIONS: readonly LuaFunction[] = [readWhole, append, truncate];

export const LOADING_FUNCTIONS: Readonly<Record<string, Wrapper>> = {
  dofile: () => doFile,
  loadfile: () => loadFile,
  require: () => requireModule,
};
