/**
 * What the reals of a virtual may be depends on the virtual.
 *
 * @module
 */
import { formatEndpoint } from '@surealived/shared/address';
import { arrivalPort } from '@surealived/shared/model';
import type { RealConfig, VirtualConfig } from './model.js';
import { nameOf, type ProblemList, placeOf } from './problem-list.js';
import type { Element } from './xml.js';

/** @param elements Those of the virtual's reals, in their order. */
export function checkReals(
  virtual: VirtualConfig,
  elements: readonly Element[],
  path: string,
  problems: ProblemList,
): void {
  const inIpvs = new Map<string, Element>();
  for (const [index, real] of virtual.reals.entries()) {
    const element = elements[index];
    if (!element) continue;
    const realPath = `${path} > real ${nameOf(element, index)}`;
    checkFamily(virtual, real, { element, path: realPath, problems });
    warnOfPort(virtual, real, { element, path: realPath, problems });
    const endpoint = formatEndpoint(real.address, arrivalPort(virtual, real));
    const twin = inIpvs.get(endpoint);
    if (twin) problems.warn(element, realPath, `IPVS has it and the one at line ${twin.line} as ${endpoint}`);
    inIpvs.set(endpoint, element);
  }
}

interface Place {
  readonly element: Element;
  readonly path: string;
  readonly problems: ProblemList;
}

function checkFamily({ address }: VirtualConfig, real: RealConfig, { element, path, problems }: Place): void {
  if (real.forwarding === 'tun' || real.address.family === address.family) return;
  const families = `IPv${address.family} virtual, IPv${real.address.family} real`;
  problems.error(
    placeOf(element, 'addr'),
    path,
    `attribute "addr": ${families}: only rt="tun" can join them`,
  );
}

function warnOfPort(virtual: VirtualConfig, real: RealConfig, { element, path, problems }: Place): void {
  const port = arrivalPort(virtual, real);
  if (real.port === port) return;
  problems.warn(
    placeOf(element, 'port'),
    path,
    `attribute "port": rt="${real.forwarding}" cannot change ports: it is ${port} in IPVS, as of the virtual`,
  );
}
