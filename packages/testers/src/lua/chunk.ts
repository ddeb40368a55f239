/**
 * Compiled scripts, kept as long as their files stay as they are.
 *
 * @module
 */
import { fileVersion } from '../file-version.js';
import { type LuaProto, type LuaState, type LuaValue, lauxlib, lobject, lua, luaString } from './fengari.js';
import { Allowance } from './meter.js';
import { readSmallFile } from './small-file.js';

/** A compiled script. Any number of interpreters may run it. */
export interface Chunk {
  readonly path: string;
  readonly proto: LuaProto;
  /** Of its tests together. */
  readonly allowance: Allowance;
}

/** A longer script would take too long to compile between tests. */
const MAX_SCRIPT_BYTES = 48 << 10;
/** By path, as of a version of the file: a chunk, or why there is none. */
const chunks = new Map<string, { readonly version: string; readonly result: Chunk | Error }>();
/** Compiles; nothing runs in it. */
const compiler = lauxlib.luaL_newstate();

/**
 * The script at `path`, compiled anew where the file has changed.
 *
 * @throws Error in one line that names the file, and the line where it cannot be compiled.
 */
export function loadChunk(path: string): Chunk {
  const version = fileVersion(path);
  let known = chunks.get(path);
  if (known?.version !== version) {
    known = { version, result: compileFile(path) };
    chunks.set(path, known);
  }
  if (known.result instanceof Error) throw known.result;
  return known.result;
}

function compileFile(path: string): Chunk | Error {
  try {
    const proto = compile(readSmallFile(path, MAX_SCRIPT_BYTES), path);
    return { path, proto, allowance: new Allowance() };
  } catch (error) {
    return error as Error;
  }
}

/** Pushes a compiled script as a function of an interpreter. */
export function pushChunk(L: LuaState, { proto }: Chunk): void {
  const closure = new lobject.LClosure(L, 1);
  closure.p = proto;
  lua.lua_pushglobaltable(L);
  closure.upvals[0] = L.stack[L.top - 1] as LuaValue;
  L.stack[L.top - 1] = new lobject.TValue(lua.LUA_TFUNCTION, closure);
}

function compile(text: Uint8Array, path: string): LuaProto {
  // a first line for the shell; its line feed stays, so that lines keep their numbers
  const start = text[0] === 0x23 ? Math.max(text.indexOf(0x0a), 0) : 0;
  const code = text.subarray(start);
  const status = lauxlib.luaL_loadbufferx(compiler, code, code.length, luaString(`@${path}`), luaString('t'));
  const { value } = compiler.stack[compiler.top - 1] as LuaValue;
  const message = status === lua.LUA_OK ? '' : Buffer.from(lauxlib.luaL_tolstring(compiler, -1)).toString();
  lua.lua_settop(compiler, 0);
  if (status !== lua.LUA_OK) throw new Error(message);
  return (value as { p: LuaProto }).p;
}
