/**
 * One run of a script: an interpreter of its own, with the clock on.
 *
 * @module
 */
import { dirname } from 'node:path';
import { ObstacleError } from '../tester.js';
import { type Chunk, pushChunk } from './chunk.js';
import { type LuaState, lauxlib, lua, luaString } from './fengari.js';
import { openLibraries } from './libraries.js';
import { Meter } from './meter.js';

/** What goes to a script and comes from it: numbers, and strings as their bytes. */
export type Value = number | Buffer;

/** The longest message that a script's failure is told with. */
const MAX_MESSAGE = 300;

/** A mistake or an endless loop of the script. Where the real has said something by then, it may be the real's fault. */
export class ScriptFault extends ObstacleError {}

export class Script {
  readonly #path: string;
  readonly #meter: Meter;
  readonly #state: LuaState;

  /**
   * Runs the script itself, which defines its functions.
   *
   * @throws ScriptFault as each method does, with the script's line where it is known; ObstacleError when there was too
   * little time for it.
   */
  constructor(chunk: Chunk) {
    this.#path = chunk.path;
    this.#meter = new Meter(chunk);
    this.#state = lauxlib.luaL_newstate();
    this.#run(() => {
      openLibraries(this.#state, dirname(chunk.path));
      this.#meter.watch(this.#state);
      pushChunk(this.#state, chunk);
      return lua.lua_pcall(this.#state, 0, 0, 0);
    });
  }

  /** Whether a global is there to be called. */
  has(name: string): boolean {
    const L = this.#state;
    const type = lua.lua_getglobal(L, luaString(name));
    lua.lua_settop(L, 0);
    return type === lua.LUA_TFUNCTION;
  }

  /** @returns The first three results; what is neither a number nor a string counts as none. */
  call(name: string, values: readonly Value[]): readonly (Value | undefined)[] {
    const L = this.#state;
    lua.lua_getglobal(L, luaString(name));
    for (const value of values) push(L, value);
    this.#run(() => lua.lua_pcall(L, values.length, 3, 0));
    const results = [1, 2, 3].map((index) => valueAt(L, index));
    lua.lua_settop(L, 0);
    return results;
  }

  /** Why the script is to blame for something that it returned. */
  complain(message: string): never {
    throw new ScriptFault(`${this.#path}: ${message}`);
  }

  /** @param call Gives the interpreter's status. */
  #run(call: () => number): void {
    const status = this.#meter.run(call);
    const { exhausted, isEndless } = this.#meter;
    if (exhausted !== '') throw isEndless ? new ScriptFault(exhausted) : new ObstacleError(exhausted);
    if (status !== lua.LUA_OK) throw new ScriptFault(this.#describeError());
  }

  #describeError(): string {
    const message = lua.lua_tostring(this.#state, -1);
    const text = message ? Buffer.from(message).toString() : `${this.#path}: an error without a message`;
    return oneLine(text);
  }
}

/** A script's text as one line for the operator. */
export function oneLine(text: string): string {
  return text
    .replace(/\p{Cc}+/gu, ' ')
    .slice(0, MAX_MESSAGE)
    .trim();
}

/** Whole numbers as integers, so that they are such for a script that asks. */
function push(L: LuaState, value: Value): void {
  if (typeof value !== 'number') lua.lua_pushstring(L, value);
  else if ((value | 0) === value) lua.lua_pushinteger(L, value);
  else lua.lua_pushnumber(L, value);
}

function valueAt(L: LuaState, index: number): Value | undefined {
  const type = lua.lua_type(L, index);
  if (type === lua.LUA_TNUMBER) return lua.lua_tonumber(L, index);
  return type === lua.LUA_TSTRING ? Buffer.from(lua.lua_tostring(L, index) ?? []) : undefined;
}
