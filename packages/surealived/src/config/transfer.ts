/**
 * Virtuals as texts, so that one thread can load a services file for another, and equal ones are known by their text.
 *
 * @module
 */
import { type Address, parseAddress } from '@surealived/shared/address';
import type { TesterRegistry } from '@surealived/testers/registry';
import type { NotifyConfig, RealConfig, TlsOptions, TlsPolicy, VirtualConfig } from './model.js';

type Packed = Omit<VirtualConfig, 'testing'> & {
  readonly testing: Omit<VirtualConfig['testing'], 'tester'> & { readonly tester: string };
};

/** The virtual as JSON; its tester by name. Equal virtuals have equal texts. */
export function packVirtual(virtual: VirtualConfig): string {
  const { testing } = virtual;
  return JSON.stringify({ ...virtual, testing: { ...testing, tester: testing.tester.name } });
}

/** What JSON leaves out, in the order of the loader. */
const NO_NOTIFY: NotifyConfig = {
  up: undefined,
  down: undefined,
  minReals: undefined,
  minWeight: undefined,
  realUp: undefined,
  realDown: undefined,
};

/**
 * The virtual of a text that `packVirtual` made.
 *
 * @param registry Has the tester that it names.
 */
export function unpackVirtual(text: string, registry: TesterRegistry): VirtualConfig {
  const packed = JSON.parse(text) as Packed;
  const tester = registry.find(packed.testing.tester);
  if (!tester) throw new Error(`no tester "${packed.testing.tester}"`);
  const sharedObject = once();
  return {
    ...packed,
    address: revive(packed.address),
    testing: {
      ...packed.testing,
      tester,
      notify: { ...NO_NOTIFY, ...packed.testing.notify },
    },
    reals: packed.reals.map((real) => unpackReal(real, sharedObject)),
  };
}

/** Field by field, so that all reals have one shape: the engine of JavaScript would keep a description of each otherwise. */
function unpackReal(real: RealConfig, sharedObject: <T>(value: T) => T): RealConfig {
  return {
    name: real.name,
    address: revive(real.address),
    port: real.port,
    weight: real.weight,
    upperThreshold: real.upperThreshold,
    lowerThreshold: real.lowerThreshold,
    forwarding: real.forwarding,
    tunnel: sharedObject(real.tunnel),
    testPort: real.testPort,
    bindAddress: real.bindAddress && revive(real.bindAddress),
    sentinel: real.sentinel,
    tls: real.tls && unpackTls(real.tls, sharedObject),
    attributes: sharedObject(real.attributes),
  };
}

/** In the order of the loader, which the text follows. */
function unpackTls({ serverName, policy }: TlsOptions, sharedObject: <T>(value: T) => T): TlsOptions {
  const { verify, caFile, caStamp, minDays } = policy;
  return { serverName, policy: sharedObject<TlsPolicy>({ verify, caFile, caStamp, minDays }) };
}

function revive({ text }: Address): Address {
  return parseAddress(text) as Address;
}

/** Reals hold what they have in common as one object, as the loader made it. */
function once(): <T>(value: T) => T {
  const known = new Map<string, unknown>();
  return <T>(value: T): T => {
    const text = JSON.stringify(value);
    const first = known.get(text) ?? value;
    known.set(text, first);
    return first as T;
  };
}
