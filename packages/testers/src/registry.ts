import type { Tester } from './tester.js';
import dns from './testers/dns.js';
import exec from './testers/exec.js';
import http from './testers/http.js';
import lua from './testers/lua.js';
import noTest from './testers/no-test.js';
import ssh from './testers/ssh.js';
import tcp from './testers/tcp.js';

/** The testers that come with the product, in the manual's order. */
export const BUILT_IN_TESTERS: readonly Tester[] = [tcp, http, dns, ssh, exec, lua, noTest];

/** Testers by the name that `proto=` gives. */
export class TesterRegistry {
  readonly #testers = new Map<string, Tester>();

  /** @throws Error when two testers have one name. */
  constructor(testers: readonly Tester[] = BUILT_IN_TESTERS) {
    for (const tester of testers) {
      if (this.#testers.has(tester.name)) throw new Error(`two testers are called "${tester.name}"`);
      this.#testers.set(tester.name, tester);
    }
  }

  find(name: string): Tester | undefined {
    return this.#testers.get(name);
  }

  get names(): readonly string[] {
    return [...this.#testers.keys()];
  }
}
