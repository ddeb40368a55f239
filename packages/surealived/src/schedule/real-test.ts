import type { Target } from '@surealived/testers/tester';
import type { TlsOptions } from '../config/model.js';
import { prepareTest, type TestSettings } from '../engine/prepare.js';
import type { PreparedTest } from '../engine/test-queue.js';
import type { Real, Virtual } from '../state.js';

export function prepareTestOf(virtual: Virtual, real: Real): PreparedTest {
  return prepareTest(virtual.config.testing.tester, new RealTest(virtual, real));
}

/** The test of a real as its configuration is now, so that the tests hold nothing of what a reload has replaced. */
class RealTest implements TestSettings {
  readonly #virtual: Virtual;
  readonly #real: Real;

  constructor(virtual: Virtual, real: Real) {
    this.#virtual = virtual;
    this.#real = real;
  }

  get target(): Target {
    const { config: virtual } = this.#virtual;
    const { config: real } = this.#real;
    const { address, testPort: port, bindAddress } = real;
    return { address, port, bindAddress, virtual, real };
  }

  get attributes(): Readonly<Record<string, unknown>> {
    return this.#real.config.attributes;
  }

  get timeoutMs(): number {
    return this.#virtual.config.testing.timeoutMs;
  }

  get tls(): TlsOptions | undefined {
    return this.#real.config.tls;
  }
}
