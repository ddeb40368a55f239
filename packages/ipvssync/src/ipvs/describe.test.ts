import { describe, expect, it } from 'vitest';
import { describeOperation, describeRefusal } from './describe.js';
import type { Operation } from './table.js';
import { destination, service } from './table.test-kit.js';

const web = service('tcp 10.0.0.1:80', { scheduler: 'wlc' });
const real = destination('10.0.0.11:80', 5);

describe('describeOperation', () => {
  it.each<[Operation, string]>([
    [{ kind: 'addService', service: web }, '+ tcp 10.0.0.1:80 scheduler wlc'],
    [
      {
        kind: 'addService',
        service: {
          ...web,
          persistenceSec: 60,
          persistencePrefix: 24,
          persistenceEngine: 'sip',
          schedulerFlags: 2,
        },
      },
      '+ tcp 10.0.0.1:80 scheduler wlc flags flag-2 persistence 60s prefix 24 engine sip',
    ],
    [
      { kind: 'editService', service: { ...web, onePacket: true }, before: web },
      '~ tcp 10.0.0.1:80 ops off -> on',
    ],
    [{ kind: 'deleteService', service: service('fwmark 7 IPv6') }, '- fwmark 7 IPv6'],
    [
      {
        kind: 'addDestination',
        service: service('tcp [fd00::1]:80'),
        destination: destination('[fd00::11]:80', 0),
      },
      '+ tcp [fd00::1]:80 real [fd00::11]:80 forwarding dr weight 0',
    ],
    [
      {
        kind: 'editDestination',
        service: web,
        destination: { ...real, weight: 0, forwarding: 'tun' },
        before: real,
      },
      '~ tcp 10.0.0.1:80 real 10.0.0.11:80 forwarding dr -> tun weight 5 -> 0',
    ],
    [
      {
        kind: 'editDestination',
        service: web,
        destination: {
          ...real,
          forwarding: 'tun',
          tunnel: { type: 'gue', port: 6080, flags: 'csum' },
        },
        before: real,
      },
      '~ tcp 10.0.0.1:80 real 10.0.0.11:80 forwarding dr -> tun tunnel ipip -> gue port 6080 csum',
    ],
    [{ kind: 'deleteDestination', service: web, destination: real }, '- tcp 10.0.0.1:80 real 10.0.0.11:80'],
  ])('%o', (operation, text) => {
    expect(describeOperation(operation)).toBe(text);
  });
});

describe('describeRefusal', () => {
  const add: Operation = { kind: 'addDestination', service: web, destination: real };
  const foreign: Operation = { ...add, destination: destination('[fd00::11]:80', 1) };

  it.each<[Operation, string, string]>([
    [add, 'ESRCH', 'add real 10.0.0.11:80 to tcp 10.0.0.1:80: ESRCH (no such service)'],
    [add, 'EEXIST', 'add real 10.0.0.11:80 to tcp 10.0.0.1:80: EEXIST (it is already there)'],
    [
      { ...add, kind: 'editDestination', before: real },
      'ENOENT',
      'edit real 10.0.0.11:80 of tcp 10.0.0.1:80: ENOENT (no such real)',
    ],
    [
      { ...add, kind: 'deleteDestination' },
      'EPERM',
      'delete real 10.0.0.11:80 of tcp 10.0.0.1:80: EPERM (needs CAP_NET_ADMIN)',
    ],
    [
      { kind: 'addService', service: web },
      'ENOENT',
      'add tcp 10.0.0.1:80: ENOENT (scheduler "wlc" is not in the kernel)',
    ],
    [
      { kind: 'editService', service: { ...web, persistenceEngine: 'sip' }, before: web },
      'ENOENT',
      'edit tcp 10.0.0.1:80: ENOENT (scheduler "wlc" or persistence engine "sip" is not in the kernel)',
    ],
    [{ kind: 'deleteService', service: web }, 'EIO', 'delete tcp 10.0.0.1:80: EIO'],
    [
      foreign,
      'EINVAL',
      'add real [fd00::11]:80 to tcp 10.0.0.1:80: EINVAL (a real of the other IP version can only be reached by tun, and not while the sync daemon runs)',
    ],
  ])('%o %s', (operation, errno, text) => {
    expect(describeRefusal(operation, errno)).toBe(text);
  });

  it('adds what was tried against it', () => {
    const addWeb: Operation = { kind: 'addService', service: web };
    expect(describeRefusal(addWeb, 'ENOENT', 'modprobe ip_vs_wlc: status 1')).toBe(
      'add tcp 10.0.0.1:80: ENOENT (scheduler "wlc" is not in the kernel; modprobe ip_vs_wlc: status 1)',
    );
  });
});
