/**
 * The `<real>`s of a virtual.
 *
 * @module
 */
import { isIP } from 'node:net';
import { isLinkLocal, isUnspecified, parseAddress } from '@surealived/shared/address';
import { type ForwardingMethod, realKey, type Tunnel } from '@surealived/shared/model';
import { AttributeReader } from './attributes.js';
import { checkSentinel } from './check-sentinel.js';
import { type LoadedTester, loadModuleAttributes, type ModuleAttributes } from './load-tester.js';
import { loadRealTunnel } from './load-tunnel.js';
import type { RealConfig } from './model.js';
import { nameOf, type ProblemList, placeOf } from './problem-list.js';
import { HOST_NAME, RealAttributes } from './schema.js';
import type { Element } from './xml.js';

const realReader = new AttributeReader(RealAttributes);

interface RealContext {
  /** Absent when it is itself wrong; its reals are then checked as far as they can be. */
  readonly tester: LoadedTester | undefined;
  /** The virtual's method, for reals without one of their own. */
  readonly forwarding: ForwardingMethod;
  /** The virtual's tunnel, for reals with `rt="tun"`. */
  readonly tunnel: Tunnel;
  readonly problems: ProblemList;
}

export function loadReals(
  elements: readonly Element[],
  path: string,
  context: RealContext,
): readonly RealConfig[] {
  const seen = new Map<string, Element>();
  return elements.flatMap((element, index) => {
    const realPath = `${path} > real ${nameOf(element, index)}`;
    const real = loadReal(element, realPath, context);
    if (!real) return [];
    const key = realKey(real);
    const twin = seen.get(key);
    if (twin) context.problems.error(element, realPath, `${key} is already defined at line ${twin.line}`);
    seen.set(key, element);
    return [real];
  });
}

function loadReal(element: Element, path: string, context: RealContext): RealConfig | undefined {
  const { tester, problems } = context;
  const before = problems.errors.length;
  const values = realReader.read(element.attributes, (problem) =>
    problems.attributeProblem(element, path, problem),
  );
  if (tester) problems.warnUnknown(element, path, [...realReader.names, ...tester.moduleReader.names]);
  const attributes = tester ? loadModuleAttributes(element, path, tester, problems) : {};
  const address = parseAddress(values.addr ?? '');
  const bindAddress = parseAddress(values.bindaddr ?? '');
  if (address && isUnspecified(address)) {
    problems.error(placeOf(element, 'addr'), path, 'attribute "addr": no server has the unspecified address');
  }
  if (address && isLinkLocal(address)) {
    problems.error(
      placeOf(element, 'addr'),
      path,
      'attribute "addr": a link-local address needs an interface',
    );
  }
  // the kernel answers ERANGE
  if (values.lthresh > values.uthresh) {
    problems.error(
      placeOf(element, 'lthresh'),
      path,
      `attribute "lthresh": above uthresh (${values.uthresh})`,
    );
  }
  if (address && bindAddress && address.family !== bindAddress.family) {
    problems.error(placeOf(element, 'bindaddr'), path, 'attribute "bindaddr": not of the family of addr');
  }
  if (tester && values.sentinel) checkSentinel(element, path, tester.tester, problems);
  const forwarding = values.rt ?? context.forwarding;
  const tunnel = loadRealTunnel(element, path, values, { forwarding, inherited: context.tunnel, problems });
  if (problems.errors.length > before || !address) return undefined;
  return {
    name: values.name,
    address,
    port: values.port,
    weight: values.weight,
    upperThreshold: values.uthresh,
    lowerThreshold: values.lthresh,
    forwarding,
    tunnel,
    testPort: values.testport ?? tester?.values.testport ?? 0,
    bindAddress,
    sentinel: values.sentinel ?? tester?.values.sentinel ?? false,
    tls: tester?.tlsPolicy && {
      serverName: tester.values.sni ?? serverNameOf(attributes),
      policy: tester.tlsPolicy,
    },
    attributes,
  };
}

/** The `host` of a tester that has one, without a port; an address is no server name (RFC 6066 section 3). */
function serverNameOf({ host }: ModuleAttributes): string | undefined {
  if (typeof host !== 'string') return undefined;
  const name = host.replace(/:\d*$/, '').replace(/\.$/, '');
  return HOST_NAME.test(name) && isIP(name) === 0 ? name : undefined;
}
