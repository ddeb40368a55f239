import { type IpvsReal, type IpvsService, splitAddress } from './ipvs-entry.js';

const IDENTITIES: Readonly<Record<string, IpvsService['protocol']>> = {
  '-t': 'tcp',
  '-u': 'udp',
  '--sctp-service': 'sctp',
  '-f': 'fwmark',
};

const FORWARDING: Readonly<Record<string, IpvsReal['forwarding']>> = {
  '-m': 'masq',
  '-g': 'direct',
  '-i': 'tunnel',
};

/** Parses the output of `ipvsadm -Sn`, which is a list of ipvsadm commands. */
export function parseRules(text: string): IpvsService[] {
  const services: (IpvsService & { readonly reals: IpvsReal[] })[] = [];
  for (const line of text.split('\n').filter(Boolean)) {
    const words = line.trim().split(/\s+/);
    if (words[0] === '-A') services.push({ ...parseService(words), reals: [] });
    else if (words[0] === '-a') services.at(-1)?.reals.push(parseReal(words));
    else throw new Error(`not a rule of ipvsadm: ${line}`);
  }
  return services;
}

function parseService(words: readonly string[]): IpvsService {
  const [, kind = '', identity = ''] = words;
  const protocol = IDENTITIES[kind];
  if (protocol === undefined) throw new Error(`unknown kind of service: ${words.join(' ')}`);
  const at = words.indexOf('-s');
  const common = { protocol, scheduler: words[at + 1] ?? '', flags: words.slice(at + 2), reals: [] };
  if (protocol === 'fwmark') return { ...common, address: '', port: 0, fwmark: Number(identity) };
  return { ...common, ...splitAddress(identity) };
}

function parseReal(words: readonly string[]): IpvsReal {
  const method = words.find((word) => word in FORWARDING);
  if (method === undefined) throw new Error(`unknown forwarding method: ${words.join(' ')}`);
  return {
    ...splitAddress(words[words.indexOf('-r') + 1] ?? ''),
    forwarding: FORWARDING[method] as IpvsReal['forwarding'],
    weight: Number(words[words.indexOf('-w') + 1]),
  };
}
