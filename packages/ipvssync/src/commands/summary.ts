import type { Operation } from '../ipvs/table.js';
import type { Round } from '../plan/round.js';

/** What a run did: `added 2 services and 5 reals, edited 1 real in 3.2 ms`, or `nothing to change (1.0 ms)`. */
export function summarise(rounds: readonly Round[]): string {
  const done = rounds.flatMap((round) => round.done);
  const sum = (of: (round: Round) => number): number => rounds.reduce((total, round) => total + of(round), 0);
  const refusedCount = sum((round) => round.refusedCount);
  const parts = [
    phrase('added', done, 'addService', 'addDestination'),
    phrase('edited', done, 'editService', 'editDestination'),
    phrase('deleted', done, 'deleteService', 'deleteDestination'),
    refusedCount > 0 ? `failed ${refusedCount} operations` : '',
  ].filter((part) => part !== '');
  return `${parts.join(', ') || 'nothing to change'} in ${sum(({ durationMs }) => durationMs).toFixed(1)} ms`;
}

function phrase(
  verb: string,
  done: readonly Operation[],
  serviceKind: Operation['kind'],
  realKind: Operation['kind'],
): string {
  const count = (kind: Operation['kind']): number =>
    done.filter((operation) => operation.kind === kind).length;
  const nouns = [plural(count(serviceKind), 'service'), plural(count(realKind), 'real')];
  const named = nouns.filter((noun) => noun !== '');
  return named.length === 0 ? '' : `${verb} ${named.join(' and ')}`;
}

function plural(count: number, noun: string): string {
  return count === 0 ? '' : `${count} ${noun}${count === 1 ? '' : 's'}`;
}
