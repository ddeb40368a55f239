import { addressFromBytes } from '@surealived/shared/address';
import { describe, expect, it } from 'vitest';
import type { Destination, Operation, Service } from '../ipvs/table.js';
import { destination, service } from '../ipvs/table.test-kit.js';
import { MemoryTable } from './memory-table.js';

const WEB = service('tcp 10.0.0.1:80', {}, ['10.0.0.11:80', 1]);
const WEB6 = service('tcp [fd00::1]:80');

async function errnoOf(operation: Operation, services: readonly Service[] = [WEB, WEB6]): Promise<string> {
  const [result] = await new MemoryTable(services).apply([operation]);
  return result?.ok ? 'ok' : (result?.errno ?? 'no result');
}

const toService = (
  kind: 'addService' | 'editService' | 'deleteService',
  name: string,
  settings = {},
): Operation => ({
  kind,
  service: service(name, settings),
  before: WEB,
});

const toReal = (
  kind: 'addDestination' | 'editDestination' | 'deleteDestination',
  where: string,
  rest: Partial<Destination> = {},
  of = 'tcp 10.0.0.1:80',
): Operation => {
  const real = destination(where, 1, rest);
  return { kind, service: service(of), destination: real, before: real };
};

// Each line was tried on Linux 6.1 too.
describe('MemoryTable refuses what the kernel refuses:', () => {
  it.each<[string, Operation, string]>([
    ['a service that is there', toService('addService', 'tcp 10.0.0.1:80'), 'EEXIST'],
    ['an unknown scheduler', toService('addService', 'tcp 10.0.0.2:80', { scheduler: 'nosuch' }), 'ENOENT'],
    [
      'an edit to an unknown scheduler',
      toService('editService', 'tcp 10.0.0.1:80', { scheduler: 'nosuch' }),
      'ENOENT',
    ],
    [
      'an unknown engine',
      toService('addService', 'tcp 10.0.0.2:80', { persistenceEngine: 'nosuch' }),
      'ENOENT',
    ],
    ['an IPv6 prefix of 0', toService('addService', 'tcp [fd00::2]:80', { persistencePrefix: 0 }), 'EINVAL'],
    ['an edit of an unknown service', toService('editService', 'tcp 10.0.0.2:80'), 'ESRCH'],
    ['a deletion of an unknown service', toService('deleteService', 'tcp 10.0.0.2:80'), 'ESRCH'],
    [
      'a real of an unknown service',
      toReal('addDestination', '10.0.0.12:80', {}, 'tcp 10.0.0.2:80'),
      'ESRCH',
    ],
    ['a real that is there', toReal('addDestination', '10.0.0.11:80'), 'EEXIST'],
    ['an edit of an unknown real', toReal('editDestination', '10.0.0.12:80'), 'ENOENT'],
    ['a deletion of an unknown real', toReal('deleteDestination', '10.0.0.12:80'), 'ENOENT'],
    ['a negative weight', toReal('addDestination', '10.0.0.12:80', { weight: -1 }), 'ERANGE'],
    [
      'a lower threshold above the upper',
      toReal('editDestination', '10.0.0.11:80', { lowerThreshold: 1 }),
      'ERANGE',
    ],
    [
      'a gue tunnel without a port',
      toReal('addDestination', '10.0.0.12:80', {
        forwarding: 'tun',
        tunnel: { type: 'gue', port: 0, flags: 'nocsum' },
      }),
      'EINVAL',
    ],
    ['an IPv6 real of an IPv4 service', toReal('addDestination', '[fd00::11]:80'), 'EINVAL'],
    [
      'an IPv4 real of an IPv6 service',
      toReal('addDestination', '10.0.0.12:80', {}, 'tcp [fd00::1]:80'),
      'EINVAL',
    ],
    ['a multicast real', toReal('addDestination', '224.0.0.1:80'), 'EINVAL'],
    ['a broadcast real', toReal('addDestination', '255.255.255.255:80'), 'EINVAL'],
    ['a real 0.0.0.0', toReal('addDestination', '0.0.0.0:80'), 'EINVAL'],
    [
      'an IPv4-mapped real',
      toReal('addDestination', '[::ffff:10.0.0.1]:80', {}, 'tcp [fd00::1]:80'),
      'EINVAL',
    ],
    ['a link-local IPv6 real', toReal('addDestination', '[fe80::1]:80', {}, 'tcp [fd00::1]:80'), 'EINVAL'],
  ])('%s', async (_what, operation, errno) => {
    expect(await errnoOf(operation)).toBe(errno);
  });

  it.each<[string, Operation]>([
    [
      'a real of the other IP version behind a tunnel',
      toReal('addDestination', '[fd00::11]:80', { forwarding: 'tun' }),
    ],
    ['the same port as another protocol', toService('addService', 'udp 10.0.0.1:80')],
    ['a scheduler for nothing', toService('addService', 'tcp 10.0.0.2:80', { scheduler: 'none' })],
    ['a deletion with the real of another family', toReal('deleteDestination', '10.0.0.11:80')],
  ])('but takes %s', async (_what, operation) => {
    expect(await errnoOf(operation)).toBe('ok');
  });
});

describe('MemoryTable', () => {
  it('goes on after a refusal, and forgets the destinations of a deleted service', async () => {
    const table = new MemoryTable([WEB]);
    const results = await table.apply([
      { kind: 'addService', service: WEB },
      { kind: 'deleteService', service: WEB },
      { kind: 'addService', service: WEB },
    ]);
    expect(results).toEqual([{ ok: false, errno: 'EEXIST' }, { ok: true }, { ok: true }]);
    expect(await table.read()).toEqual([{ ...WEB, destinations: [] }]);
  });

  it('saves once for each round that changed something', async () => {
    const saved: (readonly Service[])[] = [];
    const table = new MemoryTable([WEB], async (services) => void saved.push(services));
    await table.apply([{ kind: 'addService', service: WEB }]);
    expect(saved).toEqual([]);
    const address = addressFromBytes(4, Uint8Array.of(10, 0, 0, 12));
    await table.apply(
      ['addDestination', 'editDestination'].map((kind) => {
        const real = { ...destination('10.0.0.12:80', 3), address };
        return { kind, service: WEB, destination: real, before: real } as Operation;
      }),
    );
    expect(saved.map(([web]) => web?.destinations.length)).toEqual([2]);
  });
});
