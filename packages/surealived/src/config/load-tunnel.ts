/**
 * The tunnel of a real with rt="tun".
 *
 * @module
 */
import {
  type ForwardingMethod,
  findTunnelFault,
  IPIP,
  type Tunnel,
  type TunnelFlags,
  type TunnelType,
} from '@surealived/shared/model';
import { type ProblemList, placeOf } from './problem-list.js';
import type { Element } from './xml.js';

const NAMES = ['tun_type', 'tun_port', 'tun_flags'] as const;

interface TunnelValues {
  readonly tun_type?: TunnelType;
  readonly tun_port?: number;
  readonly tun_flags?: TunnelFlags;
}

/** The tunnel that a virtual gives to its reals. */
export function loadVirtualTunnel(
  element: Element,
  path: string,
  values: TunnelValues,
  { isUsed, problems }: { isUsed: boolean; problems: ProblemList },
): Tunnel {
  if (!saysSomething(element)) return IPIP;
  if (!isUsed) warnOfIdleTunnel(element, path, problems);
  return checked(merge(values, IPIP), element, path, problems);
}

/** The tunnel to a real: the one of its virtual, but for what the real says. Another type is another tunnel. */
export function loadRealTunnel(
  element: Element,
  path: string,
  values: TunnelValues,
  context: { forwarding: ForwardingMethod; inherited: Tunnel; problems: ProblemList },
): Tunnel {
  const { forwarding, inherited, problems } = context;
  if (forwarding !== 'tun') {
    if (saysSomething(element)) warnOfIdleTunnel(element, path, problems);
    return IPIP;
  }
  if (!saysSomething(element)) return inherited;
  return checked(merge(values, values.tun_type === undefined ? inherited : IPIP), element, path, problems);
}

function merge({ tun_type, tun_port, tun_flags }: TunnelValues, base: Tunnel): Tunnel {
  return { type: tun_type ?? base.type, port: tun_port ?? base.port, flags: tun_flags ?? base.flags };
}

function checked(tunnel: Tunnel, element: Element, path: string, problems: ProblemList): Tunnel {
  const fault = findTunnelFault(tunnel);
  if (fault) {
    const name = `tun_${fault.part}`;
    problems.error(placeOf(element, name), path, `attribute "${name}": ${fault.reason}`);
  }
  return tunnel;
}

function warnOfIdleTunnel(element: Element, path: string, problems: ProblemList): void {
  for (const name of NAMES) {
    const attribute = element.attributes.get(name);
    if (attribute) problems.warn(attribute, path, `attribute "${name}": has no effect without rt="tun"`);
  }
}

function saysSomething({ attributes }: Element): boolean {
  return NAMES.some((name) => attributes.has(name));
}
