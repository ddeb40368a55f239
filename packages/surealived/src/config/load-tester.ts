/**
 * The `<tester>` of a virtual, and the attributes that its module adds.
 *
 * @module
 */

import { messageOf } from '@surealived/shared/errors';
import { nearestName } from '@surealived/shared/nearest-name';
import { onceForEach } from '@surealived/shared/once-for-each';
import type { TesterRegistry } from '@surealived/testers/registry';
import type { Tester } from '@surealived/testers/tester';
import type { Static } from 'typebox';
import { type AttributeProblem, AttributeReader } from './attributes.js';
import { checkDelays } from './check-delays.js';
import { checkNotify } from './check-notify.js';
import { checkSentinel } from './check-sentinel.js';
import { type CertificateFiles, loadTls } from './load-tls.js';
import type { CountOrPercent, TestingConfig, TlsPolicy } from './model.js';
import type { ProblemList } from './problem-list.js';
import { TesterAttributes } from './schema.js';
import type { Element } from './xml.js';

const testerReader = new AttributeReader(TesterAttributes);
const moduleReaderOf = onceForEach(({ attributes }: Tester): ModuleReader => new AttributeReader(attributes));

type ModuleReader = AttributeReader<Tester['attributes']>;
export type ModuleAttributes = Readonly<Record<string, unknown>>;

/** A tester element that names a tester we have. */
export interface LoadedTester {
  readonly element: Element;
  readonly values: Static<typeof TesterAttributes>;
  readonly tester: Tester;
  readonly moduleReader: ModuleReader;
  /** The module attributes of a real that overrides none. */
  readonly moduleAttributes: ModuleAttributes;
  /** The module's attributes with which something is wrong, as was said at the tester. */
  readonly faulty: ReadonlySet<string>;
  /** Absent where its tests do not speak TLS. */
  readonly tlsPolicy: TlsPolicy | undefined;
}

interface TesterContext {
  readonly registry: TesterRegistry;
  readonly certificateFiles: CertificateFiles;
  readonly problems: ProblemList;
  /** The virtual's real elements: what all of them give themselves, the tester need not. */
  readonly reals: readonly Element[];
}

export function loadTester(element: Element, path: string, context: TesterContext): LoadedTester | undefined {
  const { registry, certificateFiles, problems, reals } = context;
  const values = testerReader.read(element.attributes, (problem) =>
    problems.attributeProblem(element, path, problem),
  );
  const proto = element.attributes.get('proto');
  if (!proto) return undefined;
  const tester = registry.find(proto.value);
  if (!tester) {
    problems.error(proto, path, `attribute "proto": ${describeUnknownTester(proto.value, registry)}`);
    return undefined;
  }
  const moduleReader = moduleReaderOf(tester);
  problems.warnUnknown(element, path, [...testerReader.names, ...moduleReader.names]);
  checkNotify(element, path, values, problems);
  checkDelays(element, path, values, problems);
  const tlsPolicy = loadTls(element, path, { values, tester, certificateFiles, problems });
  if (values.sentinel) checkSentinel(element, path, tester, problems);
  if (tester.kind !== 'constant' && values.testport === undefined && !isGivenByAll(reals, 'testport')) {
    problems.error(element, path, 'attribute "testport": missing, expected an integer 0..65535');
  }
  const faulty = new Set<string>();
  const moduleAttributes = readModuleAttributes({ tester, moduleReader }, element.attributes, (problem) => {
    if (!problem.attribute && isGivenByAll(reals, problem.name)) return;
    faulty.add(problem.name);
    problems.attributeProblem(element, path, problem);
  });
  return { element, values, tester, moduleReader, moduleAttributes, faulty, tlsPolicy };
}

/**
 * The module attributes of a real: the tester's, with those that the real gives itself. A real that gives none gets the
 * tester's own object, so that thousands of reals hold one.
 */
export function loadModuleAttributes(
  real: Element,
  path: string,
  { element, tester, moduleReader, moduleAttributes, faulty }: LoadedTester,
  problems: ProblemList,
): ModuleAttributes {
  if (!moduleReader.names.some((name) => real.attributes.has(name))) return moduleAttributes;
  const merged = new Map([...element.attributes, ...real.attributes]);
  return readModuleAttributes({ tester, moduleReader }, merged, (problem) => {
    const wasSaid = faulty.has(problem.name) && !real.attributes.has(problem.name);
    if (!wasSaid) problems.attributeProblem(real, path, problem);
  });
}

/** Values by the module's schema; where they fit it, the module itself is asked about them. */
function readModuleAttributes(
  { tester, moduleReader }: Pick<LoadedTester, 'tester' | 'moduleReader'>,
  attributes: Element['attributes'],
  report: (problem: AttributeProblem) => void,
): ModuleAttributes {
  let fits = true;
  const values = moduleReader.read(attributes, (problem) => {
    fits = false;
    report(problem);
  });
  const problem = fits ? findProblem(tester, values, attributes) : undefined;
  if (problem) report(problem);
  return values;
}

/** What the module itself finds wrong. Its own mistake is a problem too, which has no attribute and no name. */
function findProblem(
  tester: Tester,
  values: ModuleAttributes,
  attributes: Element['attributes'],
): AttributeProblem | undefined {
  try {
    const fault = tester.findFault?.(values);
    if (fault === undefined) return undefined;
    const { attribute: name, message, isWarning } = fault;
    if (typeof message !== 'string') throw new TypeError(`not a fault: ${JSON.stringify(fault)}`);
    return { name, attribute: attributes.get(name), message: `attribute "${name}": ${message}`, isWarning };
  } catch (error) {
    const message = `the tester "${tester.name}" failed to check its attributes: ${messageOf(error)}`;
    return { name: '', attribute: undefined, message };
  }
}

export function testingOf({ tester, values }: LoadedTester): TestingConfig {
  return {
    tester,
    loopDelayMs: values.loopdelay * 1000,
    fastDelayMs: (values.fastdelay ?? values.loopdelay) * 1000,
    downDelayMs: (values.downdelay ?? values.loopdelay) * 1000,
    jitterPercent: values.jitter,
    timeoutMs: values.timeout * 1000,
    thresholds: { rise: values.retries2ok, fall: values.retries2fail },
    removeOnFail: values.remove_on_fail,
    debugComm: values.debugcomm,
    logMicro: values.logmicro,
    statsSamples: values.stats_samples,
    notify: {
      up: values.notify_up,
      down: values.notify_down,
      minReals: notifyThreshold(values.notify_min_reals),
      minWeight: notifyThreshold(values.notify_min_weight),
      realUp: values.real_notify_up,
      realDown: values.real_notify_down,
    },
  };
}

function notifyThreshold(text: string | undefined): CountOrPercent | undefined {
  return text === undefined ? undefined : countOrPercent(text);
}

/** @param text `N` or `N%`, as the schema made sure. */
export function countOrPercent(text: string): CountOrPercent {
  return { value: Number.parseInt(text, 10), isPercent: text.endsWith('%') };
}

function isGivenByAll(reals: readonly Element[], name: string): boolean {
  return reals.length > 0 && reals.every(({ attributes }) => attributes.has(name));
}

function describeUnknownTester(name: string, { names }: TesterRegistry): string {
  const nearest = nearestName(name, names);
  const hint = nearest === undefined ? '' : `, did you mean "${nearest}"?`;
  return `expected a tester (${names.join(', ')}), got "${name.slice(0, 60)}"${hint}`;
}
