import { type Address, parseAddress, unspecifiedAddress } from '../address.js';
import { type Problem, SnapshotError } from '../errors.js';
import {
  FORWARDING_METHODS,
  findTunnelFault,
  fullPrefix,
  IPIP,
  MAX_DRAIN_TIMEOUT_SEC,
  MAX_FWMARK,
  MAX_NAME_BYTES,
  MAX_PERSISTENCE_SEC,
  MAX_PORT,
  MAX_THRESHOLD,
  MAX_WEIGHT,
  PROTOCOLS,
  realKey,
  SCHEDULER_FLAGS,
  SCHEDULER_NAME,
  TUNNEL_FLAGS,
  TUNNEL_TYPES,
  type Tunnel,
  virtualKey,
} from '../model.js';
import { type Fields, parseFields, parseInteger } from './fields.js';
import {
  DIFF_COMMANDS,
  type DiffEntry,
  type DiffVirtual,
  MAX_EPOCH_MS,
  SEAL_FORMAT,
  type Snapshot,
  type SnapshotReal,
  type SnapshotVirtual,
} from './format.js';
import { readSeal } from './seal.js';
import { readUsualReal } from './usual-real.js';

/** What a line of a diff file says. */
export type DiffLine =
  | { readonly kind: 'change'; readonly entry: DiffEntry }
  | { readonly kind: 'next'; readonly file: string };

/** What an unsealed `meta` has none of, and a sealed one has all of. */
const SEAL_KEYS = ['format', 'generation', 'vcount', 'rcount', 'crc32'];
const MAX_COUNT = 999_999_999;

/** What the `meta` line says of the whole file. */
interface Claim {
  readonly line: number;
  readonly generation: number | undefined;
  readonly virtuals: number | undefined;
  readonly reals: number | undefined;
}

type MutableVirtual = SnapshotVirtual & { readonly reals: SnapshotReal[] };

/**
 * Reads a full snapshot.
 *
 * @param text The whole file.
 * @param file Its name, for the messages.
 * @throws SnapshotError with every problem of the file: it is used whole or not at all.
 */
export function readSnapshot(text: string, file: string): Snapshot {
  const reader = new SnapshotReader(file);
  if (text !== '' && !text.endsWith('\n'))
    reader.report(countLines(text), 'the file ends in the middle of a line');
  let line = 1;
  for (let start = 0; start < text.length; line++) start = reader.take(text, start, line);
  return reader.finish(text);
}

/**
 * The generation of a snapshot that is as it was written, by its checksum alone, at a small part of what it costs to
 * read it; `undefined` for any other.
 */
export function readGeneration(text: string): number | undefined {
  const seal = readSeal(text);
  if (!seal || seal.stated !== seal.actual) return undefined;
  const [meta = ''] = text.split('\n', 1);
  return parseInteger(/^meta .* generation=(\d+) /.exec(meta)?.[1] ?? '', 0, MAX_EPOCH_MS);
}

/**
 * Reads one line of a diff file, without its newline.
 *
 * @param isSealed Whether its writer gives each change a checksum: then one without is what is left of another.
 * @returns `undefined` for an empty line.
 * @throws SnapshotError naming file and line.
 */
export function readDiffLine(
  content: string,
  file: string,
  line: number,
  isSealed = false,
): DiffLine | undefined {
  const text = content.trim();
  if (text === '') return undefined;
  const problems: Problem[] = [];
  const report = (message: string): void => void problems.push({ file, line, message });
  const result = text.startsWith('DIFF ') ? readNext(text, report) : readChange(text, report, isSealed);
  if (problems.length > 0 || !result) throw new SnapshotError(problems);
  return result;
}

function readNext(text: string, report: (message: string) => void): DiffLine | undefined {
  const next = parseFields(text.slice('DIFF '.length), report).text('file');
  return next === undefined ? undefined : { kind: 'next', file: next };
}

function readChange(
  text: string,
  report: (message: string) => void,
  isSealed: boolean,
): DiffLine | undefined {
  const seal = readSeal(text);
  if (seal && seal.stated !== seal.actual) {
    report(`damaged: expected checksum ${shorten(seal.stated)}, found ${seal.actual}`);
    return undefined;
  }
  const fields = parseFields(text, report);
  const hasTime = fields.has('at');
  if (!seal && (isSealed || hasTime)) report('crc32: missing, which its writer gives each line');
  const atMs = hasTime ? fields.integer('at', 0, MAX_EPOCH_MS) : undefined;
  const command = fields.oneOf('cmd', DIFF_COMMANDS);
  const virtual = readVirtual(fields);
  const real = virtual && readReal(fields, virtual);
  return command && virtual && real && { kind: 'change', entry: { command, virtual, real, atMs } };
}

/** Collects virtuals line by line, and every problem on the way. */
class SnapshotReader {
  readonly #file: string;
  readonly #problems: Problem[] = [];
  readonly #virtuals = new Map<string, MutableVirtual>();
  #current: MutableVirtual | undefined;
  #currentReals = new Set<string>();
  #diffFile: string | undefined;
  #hasMeta = false;
  #claim: Claim | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  report(line: number, message: string): void {
    this.#problems.push({ file: this.#file, line, message });
  }

  /** Takes the line that begins at `start`. @returns Where the next one begins. */
  take(text: string, start: number, line: number): number {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    const usual = this.#current && readUsualReal(text, start, this.#current);
    if (usual && this.#current) this.#addReal(usual, this.#current, line);
    else this.#line(text.slice(start, end).trim(), line);
    return end + 1;
  }

  #line(content: string, line: number): void {
    if (content === '') return;
    const space = content.indexOf(' ');
    const kind = space < 0 ? content : content.slice(0, space);
    const report = (message: string): void => this.report(line, message);
    const fields = parseFields(space < 0 ? '' : content.slice(space), report);
    if (kind === 'meta') this.#meta(fields, line);
    else if (kind === 'DIFF') this.#diffFile = fields.text('file');
    else if (kind === 'virtual') this.#virtual(fields);
    else if (kind === 'real') this.#real(fields, line);
    else report(`expected meta, DIFF, virtual or real, got "${shorten(kind)}"`);
  }

  finish(text: string): Snapshot {
    if (this.#claim) this.#compare(this.#claim, text);
    if (!this.#hasMeta) this.report(0, 'expected a snapshot that begins with a meta line');
    if (this.#problems.length > 0) throw new SnapshotError(this.#problems);
    const generation = this.#claim?.generation;
    return { generation, diffFile: this.#diffFile, virtuals: [...this.#virtuals.values()] };
  }

  /** What is torn is told first: the rest follows from it. */
  #compare({ line, virtuals, reals }: Claim, text: string): void {
    const all = [...this.#virtuals.values()];
    const realCount = all.reduce((sum, virtual) => sum + virtual.reals.length, 0);
    const seal = readSeal(text);
    const expected = `${virtuals} virtuals, ${reals} reals, checksum ${shorten(seal?.stated ?? '')}`;
    const found = `${all.length} virtuals, ${realCount} reals, checksum ${seal?.actual}`;
    if (expected === found) return;
    this.#problems.unshift({ file: this.#file, line, message: `torn: expected ${expected}; found ${found}` });
  }

  #meta(fields: Fields, line: number): void {
    this.#hasMeta = true;
    const version = fields.text('version');
    if (version !== undefined && !/^1\.\d+$/.test(version))
      fields.report(`expected version 1.x, got "${version}"`);
    if (!SEAL_KEYS.some((key) => fields.has(key))) return;
    fields.oneOf('format', [SEAL_FORMAT]);
    fields.text('crc32');
    this.#claim = {
      line,
      generation: fields.integer('generation', 0, MAX_EPOCH_MS),
      virtuals: fields.integer('vcount', 0, MAX_COUNT),
      reals: fields.integer('rcount', 0, MAX_COUNT),
    };
  }

  #virtual(fields: Fields): void {
    this.#currentReals = new Set();
    const head = readVirtual(fields);
    // each by its name: spreading takes several times as long before anything is compiled
    this.#current = head && {
      name: head.name,
      protocol: head.protocol,
      address: head.address,
      port: head.port,
      fwmark: head.fwmark,
      forwarding: head.forwarding,
      scheduler: head.scheduler,
      schedulerFlags: readSchedulerFlags(fields, head.scheduler),
      persistenceSec: fields.integer('vpers', 0, MAX_PERSISTENCE_SEC, 0) ?? 0,
      persistencePrefix: readPrefix(fields, head.address),
      persistenceEngine: readEngine(fields),
      onePacket: fields.integer('vops', 0, 1, 0) === 1,
      drainTimeoutSec: fields.integer('vdrain', 0, MAX_DRAIN_TIMEOUT_SEC, 0) ?? 0,
      reals: [],
    };
    if (!this.#current) return;
    const key = virtualKey(this.#current);
    if (this.#virtuals.has(key)) fields.report(`virtual ${key} is there twice`);
    this.#virtuals.set(key, this.#current);
  }

  #real(fields: Fields, line: number): void {
    if (!this.#current) {
      if (this.#virtuals.size === 0 && this.#problems.length === 0)
        fields.report('a real before any virtual');
      return;
    }
    const real = readReal(fields, this.#current);
    if (real) this.#addReal(real, this.#current, line);
  }

  #addReal(real: SnapshotReal, virtual: MutableVirtual, line: number): void {
    const key = realKey(real);
    if (this.#currentReals.has(key))
      this.report(line, `real ${key} is there twice in virtual ${virtualKey(virtual)}`);
    this.#currentReals.add(key);
    virtual.reals.push(real);
  }
}

function readVirtual(fields: Fields): DiffVirtual | undefined {
  const name = readName(fields, 'vname');
  const protocol = fields.oneOf('vproto', PROTOCOLS);
  const address = readAddress(fields, 'vaddr', protocol === 'fwmark' ? unspecifiedAddress(4) : undefined);
  const port = fields.integer('vport', 0, MAX_PORT, protocol === 'fwmark' ? 0 : undefined);
  const forwarding = fields.oneOf('vrt', FORWARDING_METHODS);
  const scheduler = fields.text('vsched');
  const fwmark =
    protocol === 'fwmark' ? fields.integer('vfwmark', 1, MAX_FWMARK) : fields.integer('vfwmark', 0, 0, 0);
  if (scheduler !== undefined && !SCHEDULER_NAME.test(scheduler)) {
    fields.report(`vsched: expected a scheduler's name, got "${shorten(scheduler)}"`);
    return undefined;
  }
  if (name === undefined || !protocol || !address || !forwarding || scheduler === undefined) return undefined;
  if (port === undefined || fwmark === undefined) return undefined;
  const id =
    protocol === 'fwmark' ? { address: unspecifiedAddress(address.family), port: 0 } : { address, port };
  return { name, protocol, ...id, fwmark, forwarding, scheduler };
}

function readSchedulerFlags(fields: Fields, scheduler: string): readonly string[] {
  const text = fields.has('vsflags') ? fields.text('vsflags') : undefined;
  if (text === undefined) return [];
  const known = SCHEDULER_FLAGS.get(scheduler) ?? [];
  const flags = text.split(',');
  const unknown = flags.find((flag) => !known.includes(flag));
  if (unknown !== undefined)
    fields.report(`vsflags: expected flags of scheduler ${scheduler}, got "${shorten(unknown)}"`);
  return known.filter((flag) => flags.includes(flag));
}

function readPrefix(fields: Fields, address: Address): number {
  const full = fullPrefix(address);
  return fields.integer('vprefix', 1, full, full) ?? full;
}

function readEngine(fields: Fields): string {
  const engine = fields.has('vpe') ? fields.text('vpe') : undefined;
  if (engine !== undefined && !SCHEDULER_NAME.test(engine))
    fields.report(`vpe: expected a persistence engine's name, got "${shorten(engine)}"`);
  return engine ?? '';
}

function readReal(fields: Fields, virtual: Pick<SnapshotVirtual, 'forwarding'>): SnapshotReal | undefined {
  const name = readName(fields, 'rname');
  const address = readAddress(fields, 'raddr');
  const port = fields.integer('rport', 0, MAX_PORT);
  const weight = fields.integer('rweight', 0, MAX_WEIGHT);
  const lowerThreshold = fields.integer('rl_thresh', 0, MAX_THRESHOLD, 0);
  const upperThreshold = fields.integer('ru_thresh', 0, MAX_THRESHOLD, 0);
  const forwarding = fields.oneOf('rrt', FORWARDING_METHODS, virtual.forwarding);
  if (name === undefined || !address || port === undefined || weight === undefined || !forwarding)
    return undefined;
  if (lowerThreshold === undefined || upperThreshold === undefined) return undefined;
  const tunnel = fields.has('rtuntype') ? readTunnel(fields) : IPIP;
  return { name, address, port, weight, lowerThreshold, upperThreshold, forwarding, tunnel };
}

function readTunnel(fields: Fields): Tunnel {
  const type = fields.oneOf('rtuntype', TUNNEL_TYPES);
  const port = fields.integer('rtunport', 0, MAX_PORT, 0);
  const flags = fields.oneOf('rtunflags', TUNNEL_FLAGS, 'nocsum');
  if (type === undefined || port === undefined || flags === undefined) return IPIP;
  const tunnel: Tunnel = { type, port, flags };
  const fault = findTunnelFault(tunnel);
  if (fault) fields.report(`rtun${fault.part}: ${fault.reason}`);
  return tunnel;
}

function readName(fields: Fields, key: string): string | undefined {
  const name = fields.text(key);
  if (name === undefined || Buffer.byteLength(name) <= MAX_NAME_BYTES) return name;
  fields.report(`${key}: expected at most ${MAX_NAME_BYTES} bytes, got ${Buffer.byteLength(name)}`);
  return undefined;
}

function readAddress(fields: Fields, key: string, fallback?: Address): Address | undefined {
  const text = fields.text(key, fallback?.text);
  if (text === undefined) return undefined;
  const address = parseAddress(text);
  if (!address) fields.report(`${key}: expected an IP address, got "${shorten(text)}"`);
  return address;
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function countLines(text: string): number {
  return text.split('\n').length;
}
