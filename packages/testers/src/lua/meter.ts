/**
 * How long scripts may compute. They run on the engine's thread, so an endless loop has to be ended from inside.
 *
 * @module
 */
import { threadCpuMs } from '@surealived/shared/libc';
import { type LuaDebug, type LuaState, lua, luaString } from './fengari.js';

/** Longest computation between two requests to the engine. */
const SLICE_MS = 10;
/** What one test may compute in all. */
const TEST_MS = 40;
/** A slice below this would be too short for an honest test. */
const MIN_SLICE_MS = 1;
/** Instructions between two looks at the clock. */
const INSTRUCTIONS = 100;
/** So many looks of a script that goes on for too long show that it is its own fault, and not a pause of this process. */
const MANY_LOOKS = 50;
const WHERE = luaString('Sl');

/** Thrown through the interpreter when a script has computed for too long; scripts cannot catch it for long. */
class OverBudget extends Error {}

/**
 * What a script's next test may compute at a time: less after each test that went on for too long, nothing after a few,
 * and everything again in the next turn of the event loop. So hundreds of tests with one endless loop cannot add up.
 */
export class Allowance {
  #sliceMs = SLICE_MS;

  /** 0 when there is no time left. */
  get sliceMs(): number {
    return this.#sliceMs < MIN_SLICE_MS ? 0 : this.#sliceMs;
  }

  get isWhole(): boolean {
    return this.#sliceMs === SLICE_MS;
  }

  reduce(): void {
    if (this.isWhole) {
      setImmediate(() => {
        this.#sliceMs = SLICE_MS;
      });
    }
    this.#sliceMs /= 2;
  }
}

let running: Meter | undefined;

/** Looks at the clock of the script that runs now; for functions that take long in one go. @throws when it is over. */
export function checkTime(L: LuaState): void {
  running?.check(L);
}

/** The time that one test has used. */
export class Meter {
  readonly #path: string;
  readonly #allowance: Allowance;
  #usedMs = 0;
  #sliceMs = 0;
  /** When to look closer. */
  #endMs = 0;
  /** The thread's time when the first half of the slice was over; negative before that. */
  #cpuStartMs = -1;
  #exhausted = '';
  #looks = 0;
  #isEndless = false;

  /** @param script Its path, for messages, and what its tests are allowed. */
  constructor({ path, allowance }: { readonly path: string; readonly allowance: Allowance }) {
    this.#path = path;
    this.#allowance = allowance;
  }

  /** Why no more is computed, in one line; empty as long as there is time. */
  get exhausted(): string {
    return this.#exhausted;
  }

  /**
   * Whether it is the script's own fault: it had all the time that a slice can have and used it to run very many
   * instructions, or slice after slice has used up the time of its test.
   */
  get isEndless(): boolean {
    return this.#isEndless;
  }

  /** Has the clock looked at while the interpreter works: at each call of a function, and every few instructions. */
  watch(L: LuaState): void {
    const hook = (thread: LuaState, info: LuaDebug): void => this.check(thread, info);
    lua.lua_sethook(L, hook, lua.LUA_MASKCALL | lua.LUA_MASKCOUNT, INSTRUCTIONS);
  }

  /** Does `compute` with the clock running, unless there is no time left at all. */
  run<T>(compute: () => T): T | undefined {
    const startMs = performance.now();
    this.#sliceMs = Math.min(this.#allowance.sliceMs, TEST_MS - this.#usedMs);
    if (this.#sliceMs <= 0) {
      this.#isEndless = this.#usedMs >= TEST_MS;
      this.#exhausted = `${this.#path}: computes for too long`;
      return undefined;
    }
    this.#endMs = startMs + this.#sliceMs / 2;
    this.#cpuStartMs = -1;
    this.#looks = 0;
    running = this;
    try {
      return compute();
    } finally {
      running = undefined;
      this.#usedMs += Math.min(performance.now() - startMs, this.#sliceMs);
    }
  }

  /** @throws OverBudget, again and again once the time is over, so that a `pcall` in the script is no way out. */
  check(L: LuaState, info?: LuaDebug): void {
    if (info?.event === lua.LUA_HOOKCOUNT) this.#looks++;
    if (this.#exhausted === '') {
      const nowMs = performance.now();
      if (nowMs < this.#endMs || this.#isToGoOn(nowMs)) return;
      const isLastSlice = this.#sliceMs < this.#allowance.sliceMs;
      this.#isEndless = isLastSlice || (this.#allowance.isWhole && this.#looks >= MANY_LOOKS);
      this.#allowance.reduce();
      this.#exhausted = `${describePlace(L, info) ?? this.#path}: computes for too long`;
    }
    L.basehookcount = 1;
    L.hookcount = 1;
    throw new OverBudget();
  }

  /**
   * The first half of a slice goes by the clock, which is cheap to read. The second half goes by what this thread has
   * computed: a script is not to blame while the machine was busy or asleep, nor for other threads.
   */
  #isToGoOn(nowMs: number): boolean {
    const cpuMs = threadCpuMs();
    if (this.#cpuStartMs < 0) this.#cpuStartMs = cpuMs;
    const restMs = this.#sliceMs / 2 - (cpuMs - this.#cpuStartMs);
    this.#endMs = nowMs + restMs;
    return restMs > 0;
  }
}

/** File and line, as in the interpreter's own messages, where it can tell. */
function describePlace(L: LuaState, info: LuaDebug | undefined): string | undefined {
  if (info?.event !== lua.LUA_HOOKCOUNT) return undefined;
  lua.lua_getinfo(L, WHERE, info);
  return `${Buffer.from(info.short_src ?? [])}:${info.currentline}`;
}
