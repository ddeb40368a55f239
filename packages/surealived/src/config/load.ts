/**
 * A services file to virtuals, or to the list of everything that is wrong with it.
 *
 * @module
 */
import { type Address, type Family, parseAddress, unspecifiedAddress } from '@surealived/shared/address';
import { ConfigError, type Problem } from '@surealived/shared/errors';
import { describeVirtualId, type ForwardingMethod, realKey, virtualKey } from '@surealived/shared/model';
import { readTextFile } from '@surealived/shared/text-file';
import type { TesterRegistry } from '@surealived/testers/registry';
import type { Tester } from '@surealived/testers/tester';
import type { Static } from 'typebox';
import { AttributeReader, findUnknown } from './attributes.js';
import type { RealConfig, TestingConfig, VirtualConfig } from './model.js';
import { nearestName } from './nearest-name.js';
import { NOT_YET_EFFECTIVE, RealAttributes, TesterAttributes, VirtualAttributes } from './schema.js';
import { type Element, type Position, parseXml } from './xml.js';

/** A real takes about 150 bytes of XML, so this is room for 200,000. */
const MAX_SERVICES_BYTES = 32 << 20;

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
  return parseServices(readTextFile(file, MAX_SERVICES_BYTES), file, options);
}

/** @throws ConfigError with every problem of the text. */
export function parseServices(text: string, file: string, options: LoadOptions): Services {
  const loader = new Loader(file, options.registry);
  const virtuals = loader.root(parseXml(text, file));
  const { errors, warnings } = loader;
  if (errors.length === 0 && !(options.strict && warnings.length > 0)) return { virtuals, warnings };
  const marked = options.strict
    ? warnings
    : warnings.map((warning) => ({ ...warning, message: `warning: ${warning.message}` }));
  throw new ConfigError([...errors, ...marked].sort(byPosition));
}

const virtualReader = new AttributeReader(VirtualAttributes);
const testerReader = new AttributeReader(TesterAttributes);
const realReader = new AttributeReader(RealAttributes);
type TesterValues = Static<typeof TesterAttributes>;

/** A tester element that made sense so far. */
interface ReadTester {
  readonly element: Element;
  readonly path: string;
  readonly values: TesterValues;
  readonly tester: Tester;
  readonly moduleReader: AttributeReader<Tester['attributes']>;
}

class Loader {
  readonly errors: Problem[] = [];
  readonly warnings: Problem[] = [];
  readonly #file: string;
  readonly #registry: TesterRegistry;
  readonly #moduleReaders = new Map<Tester, AttributeReader<Tester['attributes']>>();
  readonly #virtualsByKey = new Map<string, Element>();

  constructor(file: string, registry: TesterRegistry) {
    this.#file = file;
    this.#registry = registry;
  }

  root(root: Element): readonly VirtualConfig[] {
    if (root.name !== 'surealived')
      this.#error(root, `expected <surealived> as the root, got <${root.name}>`);
    this.#warnUnknown(root, 'surealived', []);
    return this.#childrenNamed(root, ['virtual'], 'surealived').flatMap((element, index) => {
      const virtual = this.#virtual(element, `virtual ${nameOf(element, index)}`);
      return virtual ? [virtual] : [];
    });
  }

  #virtual(element: Element, path: string): VirtualConfig | undefined {
    const before = this.errors.length;
    const values = virtualReader.read(element.attributes, (problem) =>
      this.#attributeError(element, path, problem),
    );
    this.#warnUnknown(element, path, virtualReader.names);
    const children = this.#childrenNamed(element, ['tester', 'real'], path);
    const tester = this.#onlyTester(element, children, path);
    const reals = this.#reals(children, path, tester, values.rt);
    if (this.errors.length > before || !tester) return undefined;
    const { name, proto: protocol, fwmark = 0, port = 0, sched: scheduler, rt: forwarding } = values;
    const address = values.addr === undefined ? undefined : parseAddress(values.addr);
    const id = this.#identity(element, path, { protocol, address, port: values.port, fwmark, reals });
    if (!id) return undefined;
    const virtual: VirtualConfig = {
      ...{
        name,
        protocol,
        scheduler,
        forwarding,
        address: id,
        port: protocol === 'fwmark' ? 0 : port,
        fwmark,
      },
      ...{ persistenceSec: values.pers, onePacket: values.ops, testing: testingOf(tester), reals },
    };
    this.#crossCheck(element, path, virtual, children);
    return virtual;
  }

  /** The virtual's address; that of a firewall mark only tells the family. */
  #identity(
    element: Element,
    path: string,
    given: {
      protocol: string;
      address: Address | undefined;
      port: number | undefined;
      fwmark: number;
      reals: readonly RealConfig[];
    },
  ): Address | undefined {
    const { protocol, address, port, fwmark, reals } = given;
    if (protocol === 'fwmark') {
      if (fwmark === 0) this.#error(element, `${path}: attribute "fwmark": missing, expected a mark above 0`);
      const family: Family = address?.family ?? reals[0]?.address.family ?? 4;
      return unspecifiedAddress(family);
    }
    if (fwmark > 0) this.#error(element, `${path}: attribute "fwmark": only with proto="fwmark"`);
    if (!address)
      this.#error(element, `${path}: attribute "addr": missing, expected an IPv4 or IPv6 address`);
    if (port === undefined)
      this.#error(element, `${path}: attribute "port": missing, expected an integer 0..65535`);
    return address;
  }

  /** Rules that join several elements or attributes. */
  #crossCheck(element: Element, path: string, virtual: VirtualConfig, children: readonly Element[]): void {
    if (virtual.onePacket && virtual.protocol === 'tcp') {
      this.#error(
        attributeOr(element, 'ops'),
        `${path}: attribute "ops": one-packet scheduling is for UDP only`,
      );
    }
    const key = virtualKey(virtual);
    const twin = this.#virtualsByKey.get(key);
    if (twin)
      this.#error(element, `${path}: ${describeVirtualId(virtual)} is already defined at line ${twin.line}`);
    this.#virtualsByKey.set(key, element);
    const elements = children.filter(({ name }) => name === 'real');
    for (const [index, real] of virtual.reals.entries()) {
      if (real.forwarding === 'tun' || real.address.family === virtual.address.family) continue;
      const where = attributeOr(elements[index] ?? element, 'addr');
      const families = `IPv${virtual.address.family} virtual, IPv${real.address.family} real`;
      this.#error(
        where,
        `${path} > real "${real.name}": attribute "addr": ${families}: only rt="tun" can join them`,
      );
    }
  }

  #onlyTester(element: Element, children: readonly Element[], path: string): ReadTester | undefined {
    const [first, ...others] = children.filter(({ name }) => name === 'tester');
    if (!first) this.#error(element, `${path}: expected one <tester>, found none`);
    for (const other of others) this.#error(other, `${path}: expected one <tester>, this is another`);
    const tester = first && this.#tester(first, `${path} > tester`);
    const reals = children.filter(({ name }) => name === 'real');
    const isComplete = reals.length > 0 && reals.every(({ attributes }) => attributes.has('testport'));
    if (tester && tester.tester.kind !== 'constant' && tester.values.testport === undefined && !isComplete) {
      this.#error(
        tester.element,
        `${tester.path}: attribute "testport": missing, expected an integer 0..65535`,
      );
    }
    return tester;
  }

  #tester(element: Element, path: string): ReadTester | undefined {
    const values = testerReader.read(element.attributes, (problem) =>
      this.#attributeError(element, path, problem),
    );
    const proto = element.attributes.get('proto');
    const tester = proto && this.#registry.find(proto.value);
    if (!tester) {
      if (proto) this.#error(proto, `${path}: attribute "proto": ${this.#unknownTester(proto.value)}`);
      return undefined;
    }
    const moduleReader = this.#moduleReader(tester);
    this.#warnUnknown(element, path, [...testerReader.names, ...moduleReader.names]);
    this.#warnNotYetEffective(element, path);
    return { element, path, values, tester, moduleReader };
  }

  #unknownTester(name: string): string {
    const nearest = nearestName(name, this.#registry.names);
    const hint = nearest === undefined ? '' : `, did you mean "${nearest}"?`;
    return `expected a tester (${this.#registry.names.join(', ')}), got "${name.slice(0, 60)}"${hint}`;
  }

  #reals(
    children: readonly Element[],
    path: string,
    tester: ReadTester | undefined,
    forwarding: ForwardingMethod,
  ): readonly RealConfig[] {
    const elements = children.filter(({ name }) => name === 'real');
    const shared = tester && this.#sharedAttributes(tester, elements);
    const seen = new Map<string, Element>();
    return elements.flatMap((element, index) => {
      const realPath = `${path} > real ${nameOf(element, index)}`;
      const real = this.#real(element, realPath, tester, { forwarding, shared });
      if (!real) return [];
      const twin = seen.get(realKey(real));
      if (twin) this.#error(element, `${realPath}: ${realKey(real)} is already defined at line ${twin.line}`);
      seen.set(realKey(real), element);
      return [real];
    });
  }

  /**
   * The module attributes as `<tester>` alone gives them. Its mistakes are reported once, here; what it leaves out is
   * a mistake only if some real does not give it either.
   */
  #sharedAttributes(
    { element, path, moduleReader }: ReadTester,
    reals: readonly Element[],
  ): Record<string, unknown> {
    return moduleReader.read(element.attributes, ({ attribute, message }) => {
      const name = /^attribute "([^"]+)"/.exec(message)?.[1] ?? '';
      const isGivenByReals =
        !attribute && reals.length > 0 && reals.every((real) => real.attributes.has(name));
      if (!isGivenByReals) this.#error(attribute ?? element, `${path}: ${message}`);
    });
  }

  #real(
    element: Element,
    path: string,
    tester: ReadTester | undefined,
    inherited: { forwarding: ForwardingMethod; shared: Record<string, unknown> | undefined },
  ): RealConfig | undefined {
    const before = this.errors.length;
    const values = realReader.read(element.attributes, (problem) =>
      this.#attributeError(element, path, problem),
    );
    const attributes = this.#realAttributes(element, path, tester, inherited.shared);
    if (values.lthresh > values.uthresh) {
      this.#error(
        attributeOr(element, 'lthresh'),
        `${path}: attribute "lthresh": above uthresh (${values.uthresh})`,
      );
    }
    const address = parseAddress(values.addr ?? '');
    const bindAddress = values.bindaddr === undefined ? undefined : parseAddress(values.bindaddr);
    if (address && bindAddress && address.family !== bindAddress.family) {
      this.#error(
        attributeOr(element, 'bindaddr'),
        `${path}: attribute "bindaddr": not of the family of addr`,
      );
    }
    if (this.errors.length > before || !address) return undefined;
    return {
      ...{ name: values.name, address, port: values.port, weight: values.weight, bindAddress, attributes },
      ...{ upperThreshold: values.uthresh, lowerThreshold: values.lthresh },
      ...{
        forwarding: values.rt ?? inherited.forwarding,
        testPort: values.testport ?? tester?.values.testport ?? 0,
      },
    };
  }

  /** The shared object itself where the real overrides nothing, so that thousands of reals hold one. */
  #realAttributes(
    element: Element,
    path: string,
    tester: ReadTester | undefined,
    shared: Record<string, unknown> | undefined,
  ): Readonly<Record<string, unknown>> {
    if (!tester || !shared) return {};
    const { moduleReader, element: testerElement } = tester;
    this.#warnUnknown(element, path, [...realReader.names, ...moduleReader.names]);
    if (!moduleReader.names.some((name) => element.attributes.has(name))) return shared;
    const merged = new Map([...testerElement.attributes, ...element.attributes]);
    return moduleReader.read(merged, ({ attribute, message }) => {
      if (attribute && element.attributes.has(attribute.name)) this.#error(attribute, `${path}: ${message}`);
    });
  }

  #moduleReader(tester: Tester): AttributeReader<Tester['attributes']> {
    const reader = this.#moduleReaders.get(tester) ?? new AttributeReader(tester.attributes);
    this.#moduleReaders.set(tester, reader);
    return reader;
  }

  #childrenNamed(element: Element, names: readonly string[], path: string): readonly Element[] {
    for (const child of element.children) {
      if (names.includes(child.name)) continue;
      const expected = names.map((name) => `<${name}>`).join(' or ');
      this.#error(child, `${path}: expected ${expected}, got <${child.name}>`);
    }
    return element.children.filter(({ name }) => names.includes(name));
  }

  #warnUnknown(element: Element, path: string, known: readonly string[]): void {
    for (const { attribute, message } of findUnknown(element.attributes, known)) {
      this.#problem(this.warnings, attribute ?? element, `${path}: ${message}`);
    }
  }

  #warnNotYetEffective(element: Element, path: string): void {
    for (const attribute of element.attributes.values()) {
      if (!NOT_YET_EFFECTIVE.has(attribute.name)) continue;
      this.#problem(
        this.warnings,
        attribute,
        `${path}: attribute "${attribute.name}": has no effect in this version`,
      );
    }
    const ssl = element.attributes.get('SSL');
    if (!ssl || /^(0|false|off)$/i.test(ssl.value)) return;
    this.#error(ssl, `${path}: attribute "SSL": this version cannot test over TLS`);
  }

  #attributeError(
    element: Element,
    path: string,
    { attribute, message }: { attribute: Position | undefined; message: string },
  ): void {
    this.#error(attribute ?? element, `${path}: ${message}`);
  }

  #error(where: Position, message: string): void {
    this.#problem(this.errors, where, message);
  }

  #problem(list: Problem[], { line, column }: Position, message: string): void {
    list.push({ file: this.#file, line, column, message });
  }
}

function testingOf({ tester, values }: ReadTester): TestingConfig {
  return {
    tester,
    loopDelayMs: values.loopdelay * 1000,
    timeoutMs: values.timeout * 1000,
    thresholds: { rise: values.retries2ok, fall: values.retries2fail },
    removeOnFail: values.remove_on_fail,
  };
}

function nameOf(element: Element, index: number): string {
  const name = element.attributes.get('name')?.value;
  return name ? JSON.stringify(name.slice(0, 60)) : `#${index + 1}`;
}

function attributeOr(element: Element, name: string): Position {
  return element.attributes.get(name) ?? element;
}

function byPosition(a: Problem, b: Problem): number {
  return a.line - b.line || (a.column ?? 0) - (b.column ?? 0);
}
