/** What is tested: so many reals, each of them every so often. */
export interface Load {
  readonly tester: 'tcp' | 'http' | 'https' | 'dns';
  readonly reals: number;
  readonly loopDelaySec: number;
}

/** A name in the zone of the server that `dns` asks. */
export const DNS_NAME = 'bench.example';

const TIMEOUT_SEC = 5;
const REALS_PER_VIRTUAL = 10;
/** nsd answers from the address that was asked only where it listens on that alone, so there are few. */
const DNS_ADDRESSES = 10;

/** Tests per second, did they take no time. */
export function rateOf({ reals, loopDelaySec }: Load): number {
  return reals / loopDelaySec;
}

/** Addresses of the servers that `dns` asks. */
export function dnsAddresses(): readonly string[] {
  return Array.from({ length: DNS_ADDRESSES }, (_, i) => addressOf('dns', i));
}

/** Of the real with this index; each has one of its own, but for dns. */
export function addressOf(tester: Load['tester'], index: number): string {
  if (tester === 'dns') return `127.2.0.${(index % DNS_ADDRESSES) + 1}`;
  return `127.${10 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`;
}

/** Virtuals with ten reals each, in the configuration language of some program. */
export function renderVirtuals(
  reals: number,
  virtual: (index: number, address: string, reals: readonly number[]) => string,
): string {
  const parts: string[] = [];
  for (let first = 0; first < reals; first += REALS_PER_VIRTUAL) {
    const index = first / REALS_PER_VIRTUAL;
    const count = Math.min(REALS_PER_VIRTUAL, reals - first);
    const members = Array.from({ length: count }, (_, i) => first + i);
    parts.push(virtual(index, `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`, members));
  }
  return parts.join('\n');
}

/** For surealived and whatever reads its files. */
export function servicesXml({ tester, reals, loopDelaySec }: Load, port: number): string {
  const attributes = {
    tcp: 'proto="tcp"',
    http: 'proto="http" url="/" host="bench"',
    https: 'proto="http" url="/" host="bench" SSL="1"',
    dns: `proto="dns" request="${DNS_NAME}"`,
  }[tester];
  const virtuals = renderVirtuals(
    reals,
    (index, address, members) => `
  <virtual name="v${index}" addr="${address}" port="80" proto="tcp" sched="wrr" rt="dr">
    <tester ${attributes} testport="${port}" loopdelay="${loopDelaySec}" timeout="${TIMEOUT_SEC}"/>
${members.map((i) => `    <real name="r${i}" addr="${addressOf(tester, i)}" port="80" weight="10"/>`).join('\n')}
  </virtual>`,
  );
  return `<surealived>${virtuals}\n</surealived>\n`;
}
