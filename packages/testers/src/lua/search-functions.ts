/**
 * The functions of Lua's string library that search.
 *
 * @module
 */
import {
  type LuaFunction,
  type LuaState,
  type LuaString,
  lauxlib,
  lua,
  MAX_STRING_BYTES,
  raise,
} from './fengari.js';
import { checkTime } from './meter.js';
import { type Capture, compilePattern, Matcher, type Pattern, PatternError } from './pattern.js';

/** Parts of a result between two looks at the clock. */
const CHECKED_PARTS = 1024;
const SPECIALS = /[\^$*+?.([%-]/;

/** What a call of any of them is about. */
interface Search {
  readonly subject: LuaString;
  /** The pattern, a character for each byte. */
  readonly text: string;
}

function searchOf(L: LuaState): Search {
  const subject = lauxlib.luaL_checkstring(L, 1);
  return { subject, text: Buffer.from(lauxlib.luaL_checkstring(L, 2)).toString('latin1') };
}

function anchored(text: string): { readonly isAnchored: boolean; readonly pattern: Pattern } {
  const isAnchored = text.startsWith('^');
  return { isAnchored, pattern: compilePattern(isAnchored ? text.slice(1) : text) };
}

/** Where argument 3 says to begin, from 0. */
function firstPosition(L: LuaState, length: number): number {
  const first = lauxlib.luaL_optinteger(L, 3, 1);
  if (first > 0) return first - 1;
  return first === 0 ? 0 : Math.max(length + first, 0);
}

/** Has the mistakes of a pattern become errors of the script; what the interpreter throws is let through. */
function orRaise<T>(L: LuaState, search: () => T): T {
  try {
    return search();
  } catch (error) {
    if (error instanceof PatternError) return raise(L, error.message);
    throw error;
  }
}

function pushCapture(L: LuaState, capture: Capture): void {
  if (typeof capture === 'number') lua.lua_pushinteger(L, capture);
  else lua.lua_pushstring(L, capture);
}

/** @param least 1 where a pattern without captures gives the whole match. */
function pushCaptures(L: LuaState, matcher: Matcher, [start, end]: Place, least: number): number {
  const count = Math.max(matcher.captureCount, least);
  for (let i = 0; i < count; i++) pushCapture(L, matcher.capture(i, start, end));
  return count;
}

/** Where a match begins and ends. */
type Place = readonly [start: number, end: number];

/** The first match from `start` on. */
function firstMatch(matcher: Matcher, start: number, { last }: { readonly last: number }): Place | undefined {
  for (let at = start; at <= last; at++) {
    const end = matcher.match(at);
    if (end >= 0) return [at, end];
  }
  return undefined;
}

function matcherFor(L: LuaState, subject: LuaString, pattern: Pattern): Matcher {
  return new Matcher(subject, pattern, () => checkTime(L));
}

/** `string.find` and `string.match` differ in what they push. */
function searchWith(push: (L: LuaState, matcher: Matcher, place: Place) => number): LuaFunction {
  return (L) => {
    const { subject, text } = searchOf(L);
    const start = firstPosition(L, subject.length);
    const { isAnchored, pattern } = anchored(text);
    return orRaise(L, () => {
      const matcher = matcherFor(L, subject, pattern);
      const last = isAnchored ? Math.min(start, subject.length) : subject.length;
      const place = firstMatch(matcher, start, { last });
      if (place) return push(L, matcher, place);
      lua.lua_pushnil(L);
      return 1;
    });
  };
}

const match = searchWith((L, matcher, place) => pushCaptures(L, matcher, place, 1));

const findPattern = searchWith((L, matcher, place) => {
  const [start, end] = place;
  lua.lua_pushinteger(L, start + 1);
  lua.lua_pushinteger(L, end);
  return 2 + pushCaptures(L, matcher, place, 0);
});

/** Without specials it is a plain search, which has a good algorithm. */
const find: LuaFunction = (L) => {
  const { subject, text } = searchOf(L);
  if (!lua.lua_toboolean(L, 4) && SPECIALS.test(text)) return findPattern(L);
  const start = firstPosition(L, subject.length);
  const bytes = Buffer.from(subject.buffer, subject.byteOffset, subject.byteLength);
  const at = start > subject.length ? -1 : bytes.indexOf(text, start, 'latin1');
  if (at < 0) {
    lua.lua_pushnil(L);
    return 1;
  }
  lua.lua_pushinteger(L, at + 1);
  lua.lua_pushinteger(L, at + text.length);
  return 2;
};

/** Here a `^` anchors nothing, since each match begins after the last. */
const gmatch: LuaFunction = (L) => {
  const { subject, text } = searchOf(L);
  const pattern = compilePattern(text);
  let [next, lastEnd] = [0, -1];
  lua.lua_pushjsfunction(L, (thread) =>
    orRaise(thread, () => {
      const matcher = matcherFor(thread, subject, pattern);
      for (; next <= subject.length; next++) {
        const end = matcher.match(next);
        if (end < 0 || end === lastEnd) continue;
        const place: Place = [next, end];
        next = end;
        lastEnd = end;
        return pushCaptures(thread, matcher, place, 1);
      }
      return 0;
    }),
  );
  return 1;
};

/** Parts of a string to be, whose length is bounded. */
class Parts {
  readonly #L: LuaState;
  readonly #parts: Uint8Array[] = [];
  #bytes = 0;

  constructor(L: LuaState) {
    this.#L = L;
  }

  add(part: Uint8Array): void {
    if (this.#parts.push(part) % CHECKED_PARTS === 0) checkTime(this.#L);
    this.#bytes += part.length;
    if (this.#bytes > MAX_STRING_BYTES) raise(this.#L, `a string of more than ${MAX_STRING_BYTES} bytes`);
  }

  join(): Uint8Array {
    return Buffer.concat(this.#parts);
  }
}

/** Adds what takes the place of one match. */
type Replace = (parts: Parts, matcher: Matcher, place: Place) => void;

const gsub: LuaFunction = (L) => {
  const { subject, text } = searchOf(L);
  const replace = replacementOf(L, subject);
  const most = lauxlib.luaL_optinteger(L, 4, subject.length + 1);
  const { isAnchored, pattern } = anchored(text);
  return orRaise(L, () => {
    const matcher = matcherFor(L, subject, pattern);
    const parts = new Parts(L);
    let [at, lastEnd, count] = [0, -1, 0];
    while (count < most) {
      const end = matcher.match(at);
      if (end >= 0 && end !== lastEnd) {
        count++;
        replace(parts, matcher, [at, end]);
        at = end;
        lastEnd = end;
      } else if (at < subject.length) parts.add(subject.subarray(at, ++at));
      else break;
      if (isAnchored) break;
    }
    parts.add(subject.subarray(at));
    lua.lua_pushstring(L, parts.join());
    lua.lua_pushinteger(L, count);
    return 2;
  });
};

/** What argument 3 says: a text with captures in it, a table to look into, a function to ask. */
function replacementOf(L: LuaState, subject: LuaString): Replace {
  switch (lua.lua_type(L, 3)) {
    case lua.LUA_TNUMBER:
    case lua.LUA_TSTRING:
      return textReplacement(L);
    case lua.LUA_TTABLE:
      return valueReplacement(L, subject, (matcher, [start, end]) => {
        pushCapture(L, matcher.capture(0, start, end));
        lua.lua_gettable(L, 3);
      });
    case lua.LUA_TFUNCTION:
      return valueReplacement(L, subject, (matcher, place) => {
        lua.lua_pushvalue(L, 3);
        lua.lua_call(L, pushCaptures(L, matcher, place, 1), 1);
      });
    default:
      return raise(L, "bad argument #3 to 'gsub' (string/function/table expected)");
  }
}

/** @param push Pushes the value; where that is false or nil, the match stays. */
function valueReplacement(
  L: LuaState,
  subject: LuaString,
  push: (matcher: Matcher, place: Place) => void,
): Replace {
  return (parts, matcher, place) => {
    push(matcher, place);
    const type = lua.lua_type(L, -1);
    const isText = type === lua.LUA_TSTRING || type === lua.LUA_TNUMBER;
    if (isText) parts.add(lua.lua_tostring(L, -1) ?? new Uint8Array());
    else if (lua.lua_toboolean(L, -1)) throw new PatternError('invalid replacement value');
    else parts.add(subject.subarray(...place));
    lua.lua_pop(L, 1);
  };
}

/** A text where `%1` is a capture, `%0` the whole match, and `%` before anything else stands for that. */
function textReplacement(L: LuaState): Replace {
  const text = Buffer.from(lua.lua_tostring(L, 3) ?? []).toString('latin1');
  const pieces = (text.match(/(?:%\D|[^%])+|%\d?/g) ?? []).map(pieceOf);
  return (parts, matcher, [start, end]) => {
    for (const piece of pieces) {
      if (piece instanceof Uint8Array) parts.add(piece);
      else if (Number.isNaN(piece)) throw new PatternError("invalid use of '%' in replacement string");
      else parts.add(piece < 0 ? matcher.whole(start, end) : textOf(matcher.capture(piece, start, end)));
    }
  };
}

/** Bytes to copy; or the number of a capture, -1 for the whole match, NaN for a mistake. */
function pieceOf(text: string): Uint8Array | number {
  if (/^%\d?$/.test(text)) return Number(text[1] ?? 'none') - 1;
  return Buffer.from(text.replace(/%(\D)/g, '$1'), 'latin1');
}

function textOf(capture: Capture): Uint8Array {
  return typeof capture === 'number' ? Buffer.from(String(capture)) : capture;
}

export const SEARCH_FUNCTIONS: Readonly<Record<string, LuaFunction>> = { find, match, gmatch, gsub };
