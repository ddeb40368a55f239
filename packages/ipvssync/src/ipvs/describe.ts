/**
 * Operations as an operator reads them: in the plan, in the log, and in errors.
 *
 * @module
 */
import { fullPrefix } from '@surealived/shared/model';
import { schedulerFlagNames } from './scheduler-flags.js';
import {
  type Destination,
  type DestinationTunnel,
  describeDestination,
  describeReal,
  describeService,
  type Operation,
  type ServiceHead,
} from './table.js';

/**
 * One line: `+ tcp 10.0.0.1:80 scheduler wrr`, `~ tcp 10.0.0.1:80 real 10.0.0.11:80 weight 10 -> 0`,
 * `- tcp 10.0.0.1:80 real 10.0.0.11:80`; `(drains)` behind an edit to weight 0 that a deletion follows. Where weight 0 or a scheduler's default goes without saying, it is said.
 */
export function describeOperation(operation: Operation): string {
  const name = describeService(operation.service);
  switch (operation.kind) {
    case 'addService':
      return `+ ${name} ${spoken(serviceFacts(operation.service))}`;
    case 'editService':
      return `~ ${name} ${changed(serviceFacts(operation.before), serviceFacts(operation.service))}`;
    case 'deleteService':
      return `- ${name}`;
    case 'addDestination':
      return `+ ${realOf(operation)} ${spoken(destinationFacts(operation.destination))}`;
    case 'editDestination': {
      const change = changed(destinationFacts(operation.before), destinationFacts(operation.destination));
      return `~ ${realOf(operation)} ${change}${operation.isDrain ? ' (drains)' : ''}`;
    }
    case 'deleteDestination':
      return `- ${realOf(operation)}`;
  }
}

function realOf({ service, destination }: Extract<Operation, { destination: Destination }>): string {
  return describeReal(service, destination);
}

/** What was tried, for an error: `add real 10.0.0.11:80 to tcp 192.168.0.1:80`. */
export function describeAttempt(operation: Operation): string {
  const name = describeService(operation.service);
  switch (operation.kind) {
    case 'addService':
      return `add ${name}`;
    case 'editService':
      return `edit ${name}`;
    case 'deleteService':
      return `delete ${name}`;
    case 'addDestination':
      return `add real ${describeDestination(operation.destination)} to ${name}`;
    case 'editDestination':
      return `edit real ${describeDestination(operation.destination)} of ${name}`;
    case 'deleteDestination':
      return `delete real ${describeDestination(operation.destination)} of ${name}`;
  }
}

/** The attempt, the errno and what it means here: `add tcp 10.0.0.1:80: ENOENT (scheduler "abc" is not in the kernel)`. */
export function describeRefusal(operation: Operation, errno: string, detail?: string): string {
  const explanation = [explainErrno(operation, errno), detail]
    .filter((part) => part !== undefined)
    .join('; ');
  return `${describeAttempt(operation)}: ${errno}${explanation === '' ? '' : ` (${explanation})`}`;
}

/** What an errno of ip_vs_ctl.c means for the operation that got it. */
function explainErrno(operation: Operation, errno: string): string | undefined {
  switch (errno) {
    case 'EEXIST':
      return 'it is already there';
    case 'ESRCH':
      return 'no such service';
    case 'ENOENT':
      return explainMissing(operation);
    case 'ERANGE':
      return 'weight below 0, or lower threshold above the upper one';
    case 'EINVAL':
      return explainInvalid(operation);
    case 'EPERM':
      return 'needs CAP_NET_ADMIN';
    case 'EAFNOSUPPORT':
      return 'the kernel has no IPv6 support in IPVS';
    case 'ENOBUFS':
      return "the kernel's answer was lost";
    default:
      return undefined;
  }
}

function explainMissing(operation: Operation): string {
  if (operation.kind !== 'addService' && operation.kind !== 'editService') return 'no such real';
  const { scheduler, persistenceEngine } = operation.service;
  const engine = persistenceEngine === '' ? '' : ` or persistence engine "${persistenceEngine}"`;
  return `scheduler "${scheduler}"${engine} is not in the kernel`;
}

function explainInvalid(operation: Operation): string | undefined {
  if (operation.kind !== 'addDestination' && operation.kind !== 'editDestination') return undefined;
  if (operation.destination.address.family !== operation.service.address.family)
    return 'a real of the other IP version can only be reached by tun, and not while the sync daemon runs';
  const { type, port } = operation.destination.tunnel;
  if (type === 'gue' && port === 0) return 'a gue tunnel needs a port';
  return 'not an address that a real can have';
}

/** Name, value, and whether the value goes without saying. */
type Fact = readonly [name: string, value: string, isUnremarkable?: boolean];

function serviceFacts(service: ServiceHead): readonly Fact[] {
  const { persistenceSec, persistencePrefix, persistenceEngine, schedulerFlags, onePacket } = service;
  return [
    ['scheduler', service.scheduler],
    [
      'flags',
      schedulerFlagNames(service.scheduler, schedulerFlags).join(',') || 'none',
      schedulerFlags === 0,
    ],
    ['persistence', `${persistenceSec}s`, persistenceSec === 0],
    ['prefix', String(persistencePrefix), persistencePrefix === fullPrefix(service.address)],
    ['engine', persistenceEngine || 'none', persistenceEngine === ''],
    ['ops', onePacket ? 'on' : 'off', !onePacket],
  ];
}

function destinationFacts(destination: Destination): readonly Fact[] {
  const { forwarding, tunnel, weight, lowerThreshold, upperThreshold } = destination;
  return [
    ['forwarding', forwarding],
    ['tunnel', describeTunnel(tunnel), isIpip(tunnel)],
    ['weight', String(weight)],
    ['lower', String(lowerThreshold), lowerThreshold === 0],
    ['upper', String(upperThreshold), upperThreshold === 0],
  ];
}

/** `ipip`, `gue port 6080 csum`, `gre`. */
function describeTunnel({ type, port, flags }: DestinationTunnel): string {
  return `${type}${port > 0 ? ` port ${port}` : ''}${flags === 'nocsum' ? '' : ` ${flags}`}`;
}

function isIpip({ type, port, flags }: DestinationTunnel): boolean {
  return type === 'ipip' && port === 0 && flags === 'nocsum';
}

function spoken(facts: readonly Fact[]): string {
  return facts
    .filter(([, , isUnremarkable]) => !isUnremarkable)
    .map(([name, value]) => `${name} ${value}`)
    .join(' ');
}

function changed(before: readonly Fact[], after: readonly Fact[]): string {
  return after
    .flatMap(([name, value], i) =>
      before[i]?.[1] === value ? [] : [`${name} ${before[i]?.[1]} -> ${value}`],
    )
    .join(' ');
}
