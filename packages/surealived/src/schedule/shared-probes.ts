import type { RealConfig, TestingConfig, TlsPolicy, VirtualConfig } from '../config/model.js';
import type { Real, Virtual } from '../state.js';
import type { ProbeContext } from './probe.js';
import { type FirstTest, type ProbeKey, SharedProbe } from './shared-probe.js';

/** The probes of reals whose tests may be shared, found by what tells one test from another. */
export class SharedProbes {
  readonly #context: ProbeContext;
  /** By settings, then by endpoint. */
  readonly #groups = new Map<string, Map<string, SharedProbe>>();
  readonly #settings = new SettingsText();
  readonly #configs = new WeakMap<Virtual, VirtualConfig>();

  constructor(context: ProbeContext) {
    this.#context = context;
  }

  /**
   * The probe that tests the real from now on.
   *
   * @returns `undefined` where the tester may tell reals apart, so that each needs a test of its own.
   */
  join(virtual: Virtual, real: Real, first: FirstTest): SharedProbe | undefined {
    if (!virtual.config.testing.tester.shareable) return undefined;
    const key = this.#keyOf(virtual, real);
    const group = this.#groups.get(key.settings) ?? new Map<string, SharedProbe>();
    const known = group.get(key.endpoint);
    if (known) {
      known.join(virtual, real, first);
      return known;
    }
    const probe = new SharedProbe(this.#context, key, virtual, real);
    this.#groups.set(key.settings, group.set(key.endpoint, probe));
    probe.startAt(first.dueMs);
    return probe;
  }

  /** The others of the probe go on undisturbed. */
  leave(probe: SharedProbe, real: Real): void {
    if (probe.leave(real)) return;
    const { settings, endpoint } = probe.key;
    const group = this.#groups.get(settings);
    group?.delete(endpoint);
    if (group?.size === 0) this.#groups.delete(settings);
  }

  /** Whether a virtual has another configuration than when this was asked last. */
  isChanged(virtual: Virtual): boolean {
    const before = this.#configs.get(virtual);
    this.#configs.set(virtual, virtual.config);
    return before !== virtual.config;
  }

  /** Whether the probe still tests the real as its configuration says. */
  isRight({ key }: SharedProbe, virtual: Virtual, real: Real): boolean {
    const { settings, endpoint } = this.#keyOf(virtual, real);
    return key.settings === settings && key.endpoint === endpoint;
  }

  #keyOf({ config: { testing } }: Virtual, { config }: Real): ProbeKey {
    const { address, testPort, bindAddress, attributes, tls } = config;
    const settings = this.#settings.of(testing, attributes, tls?.policy);
    const endpoint = `${address.text} ${testPort} ${bindAddress?.text ?? ''} ${tls?.serverName ?? ''}`;
    return { settings, endpoint };
  }
}

/** Settings of tests as texts. Reals that follow each other mostly have them in common, as the same objects. */
class SettingsText {
  #testing: TestingConfig | undefined;
  #attributes: RealConfig['attributes'] | undefined;
  #policy: TlsPolicy | undefined;
  #text = '';

  of(testing: TestingConfig, attributes: RealConfig['attributes'], policy: TlsPolicy | undefined): string {
    if (testing === this.#testing && attributes === this.#attributes && policy === this.#policy)
      return this.#text;
    const { tester, timeoutMs, loopDelayMs, fastDelayMs, downDelayMs, jitterPercent } = testing;
    const delays = [timeoutMs, loopDelayMs, fastDelayMs, downDelayMs, jitterPercent];
    [this.#testing, this.#attributes, this.#policy] = [testing, attributes, policy];
    this.#text = JSON.stringify([tester.name, delays, attributes, policy]);
    return this.#text;
  }
}
