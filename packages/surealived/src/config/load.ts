/**
 * A services file to virtuals, or to the list of everything that is wrong with it.
 *
 * @module
 */
import { type Address, parseAddress, unspecifiedAddress } from '@surealived/shared/address';
import { ConfigError, type Problem } from '@surealived/shared/errors';
import { describeVirtualId, fullPrefix, SCHEDULERS, virtualKey } from '@surealived/shared/model';
import { nearestName } from '@surealived/shared/nearest-name';
import { readTextFile } from '@surealived/shared/text-file';
import type { TesterRegistry } from '@surealived/testers/registry';
import type { Static } from 'typebox';
import { AttributeReader } from './attributes.js';
import { checkReals } from './check-reals.js';
import { checkPool } from './load-pool.js';
import { loadReals } from './load-real.js';
import { checkPrefix, checkScheduling, parsePersistencePrefix, schedulerFlagsOf } from './load-scheduling.js';
import { countOrPercent, type LoadedTester, loadTester, testingOf } from './load-tester.js';
import { CertificateFiles } from './load-tls.js';
import { loadVirtualTunnel } from './load-tunnel.js';
import type { RealConfig, VirtualConfig } from './model.js';
import { nameOf, ProblemList, placeOf } from './problem-list.js';
import { VirtualAttributes } from './schema.js';
import { declaredEncoding, type Element, parseXml } from './xml.js';

/** A real takes about 150 bytes of XML, so this is room for 200,000. */
const MAX_SERVICES_BYTES = 32 << 20;

/** How a file tells an editor where its schema is. */
const EDITOR_ATTRIBUTES = ['xmlns:xsi', 'xsi:noNamespaceSchemaLocation'];

const virtualReader = new AttributeReader(VirtualAttributes);
type VirtualValues = Static<typeof VirtualAttributes>;

export interface Services {
  readonly virtuals: readonly VirtualConfig[];
  readonly warnings: readonly Problem[];
}

export interface LoadOptions {
  readonly registry: TesterRegistry;
  /** Whether warnings are errors. */
  readonly strict?: boolean;
}

/** @throws ConfigError with every problem of the file. */
export function loadServices(file: string, options: LoadOptions): Services {
  return parseServices(readTextFile(file, MAX_SERVICES_BYTES, declaredEncoding), file, options);
}

/** @throws ConfigError with every problem of the text. */
export function parseServices(
  text: string,
  file: string,
  { registry, strict = false }: LoadOptions,
): Services {
  const xml = parseXml(text, file);
  const problems = new ProblemList(file, xml.problems);
  const virtuals = loadRoot(xml.root, {
    registry,
    certificateFiles: new CertificateFiles(),
    problems,
  });
  const { errors, warnings } = problems;
  if (errors.length > 0 || (strict && warnings.length > 0)) throw new ConfigError(problems.inOrder(strict));
  return { virtuals, warnings };
}

interface LoadContext {
  readonly registry: TesterRegistry;
  readonly certificateFiles: CertificateFiles;
  readonly problems: ProblemList;
}

function loadRoot(root: Element, context: LoadContext): readonly VirtualConfig[] {
  const { problems } = context;
  if (root.name !== 'surealived') {
    problems.error(root, 'services', `expected <surealived> as the root, got <${root.name}>`);
    return [];
  }
  problems.warnUnknown(root, 'surealived', EDITOR_ATTRIBUTES);
  if (root.children.length === 0) problems.warn(root, 'surealived', 'there is no virtual in it');
  const seen = new Map<string, Element>();
  return selectChildren(root, ['virtual'], 'surealived', problems).flatMap((element, index) => {
    const path = `virtual ${nameOf(element, index)}`;
    const virtual = loadVirtual(element, path, context);
    if (!virtual) return [];
    const key = virtualKey(virtual);
    const twin = seen.get(key);
    if (twin)
      problems.error(element, path, `${describeVirtualId(virtual)} is already defined at line ${twin.line}`);
    seen.set(key, element);
    return [virtual];
  });
}

function loadVirtual(element: Element, path: string, context: LoadContext): VirtualConfig | undefined {
  const { problems } = context;
  const before = problems.errors.length;
  const values = virtualReader.read(element.attributes, (problem) =>
    problems.attributeProblem(element, path, problem),
  );
  problems.warnUnknown(element, path, virtualReader.names);
  checkIdentity(element, path, values, problems);
  checkScheduling(element, path, values, problems);
  warnOfScheduler(element, path, problems);
  const children = selectChildren(element, ['tester', 'real'], path, problems);
  const realElements = children.filter(({ name }) => name === 'real');
  const tester = loadOnlyTester(element, children, path, { ...context, reals: realElements });
  const isTunnelUsed =
    values.rt === 'tun' || realElements.some(({ attributes }) => attributes.get('rt')?.value === 'tun');
  const tunnel = loadVirtualTunnel(element, path, values, { isUsed: isTunnelUsed, problems });
  const reals = loadReals(realElements, path, { tester, forwarding: values.rt, tunnel, problems });
  if (!tester || problems.errors.length > before) return undefined;
  const virtual = buildVirtual(values, tester, reals);
  checkPrefix(element, path, virtual, problems);
  checkReals(virtual, realElements, path, problems);
  checkPool(element, path, virtual, problems);
  return virtual;
}

/** A virtual is named by address and port, or by a mark; never by both. */
function checkIdentity(element: Element, path: string, values: VirtualValues, problems: ProblemList): void {
  const missing = (name: string, expected: string): void =>
    problems.error(element, path, `attribute "${name}": missing, expected ${expected}`);
  if (values.proto === 'fwmark') {
    if (!values.fwmark) missing('fwmark', 'a mark above 0');
  } else {
    if (!element.attributes.has('addr')) missing('addr', 'an IPv4 or IPv6 address');
    if (!element.attributes.has('port')) missing('port', 'an integer 0..65535');
    if (values.fwmark)
      problems.error(placeOf(element, 'fwmark'), path, 'attribute "fwmark": only with proto="fwmark"');
  }
}

/** A kernel may have more schedulers than we know, so an unknown one may be right. */
function warnOfScheduler(element: Element, path: string, problems: ProblemList): void {
  const sched = element.attributes.get('sched');
  if (!sched || SCHEDULERS.includes(sched.value)) return;
  const nearest = nearestName(sched.value, SCHEDULERS);
  const hint = nearest === undefined ? '' : `, did you mean "${nearest}"?`;
  problems.warn(
    sched,
    path,
    `attribute "sched": Linux has no scheduler "${sched.value.slice(0, 40)}"${hint}`,
  );
}

function loadOnlyTester(
  element: Element,
  children: readonly Element[],
  path: string,
  context: LoadContext & { reals: readonly Element[] },
): LoadedTester | undefined {
  const [first, ...others] = children.filter(({ name }) => name === 'tester');
  if (!first) context.problems.error(element, path, 'expected one <tester>, found none');
  for (const other of others) context.problems.error(other, path, 'expected one <tester>, this is another');
  return first && loadTester(first, `${path} > tester`, context);
}

function buildVirtual(
  values: VirtualValues,
  tester: LoadedTester,
  reals: readonly RealConfig[],
): VirtualConfig {
  const isMark = values.proto === 'fwmark';
  const address = isMark ? markAddress(values, reals) : (parseAddress(values.addr ?? '') as Address);
  return {
    name: values.name,
    protocol: values.proto,
    address,
    port: isMark ? 0 : (values.port ?? 0),
    fwmark: values.fwmark ?? 0,
    scheduler: values.sched,
    schedulerFlags: schedulerFlagsOf(values),
    forwarding: values.rt,
    persistenceSec: values.pers,
    persistencePrefix: parsePersistencePrefix(values.pers_prefix, address) ?? fullPrefix(address),
    persistenceEngine: values.pe ?? '',
    onePacket: values.ops,
    drainTimeoutSec: values.drain_timeout,
    slowStartMs: values.slowstart * 1000,
    minOnline: countOrPercent(values.min_online),
    testing: testingOf(tester),
    reals,
  };
}

/** The address of a firewall mark only tells the family: that of `addr` where it is given, or else of the reals. */
function markAddress({ addr }: VirtualValues, reals: readonly RealConfig[]): Address {
  const family = parseAddress(addr ?? '')?.family ?? reals[0]?.address.family ?? 4;
  return unspecifiedAddress(family);
}

function selectChildren(
  element: Element,
  names: readonly string[],
  path: string,
  problems: ProblemList,
): readonly Element[] {
  return element.children.filter((child) => {
    if (names.includes(child.name)) return true;
    const expected = names.map((name) => `<${name}>`).join(' or ');
    problems.error(child, path, `expected ${expected}, got <${child.name}>`);
    return false;
  });
}
