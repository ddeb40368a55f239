/**
 * Reads what `node --cpu-prof` has written: where the time went, by function and by what it belongs to.
 *
 * A call into a C library has no name of its own in it: its time is that of the line that calls. So a line that holds such a
 * call is taken for it.
 *
 * @module
 */

/** What is used of a .cpuprofile. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  /** Microseconds of the monotonic clock. */
  readonly startTime: number;
  /** A node's id for each sample. */
  readonly samples: readonly number[];
  /** Microseconds since the sample before. */
  readonly timeDeltas: readonly number[];
}

export interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string };
  readonly positionTicks?: readonly { readonly line: number; readonly ticks: number }[];
}

/** Time in one function, or in one C function as called from anywhere. */
export interface SelfTime {
  readonly name: string;
  /** As in `packages/surealived/src/schedule.ts`; empty for what is in no file. */
  readonly file: string;
  readonly group: string;
  readonly us: number;
}

export const IDLE = 'idle';
const C_CALL = /\b(libc|openssl|ssl)\.(\w+)\(/;

/** By parts of a path, first match first. */
const GROUPS: readonly (readonly [RegExp, string])[] = [
  [/surealived\/src\/engine\//, 'engine'],
  [/surealived\/src\/schedule/, 'scheduler'],
  [/surealived\/src\/(director|state|health)/, 'director and state'],
  [/surealived\/src\/(.*statistics|records|communication)/, 'statistics'],
  [/packages\/testers\//, 'testers'],
  [/packages\//, 'other code of ours'],
  [/node_modules\//, 'libraries'],
];

/**
 * The self times in a part of the profile, longest first.
 *
 * @param fromUs Where that part begins, by the monotonic clock; `toUs` where it ends.
 * @param lineOf The text of a line, counted from 1, of the file at a URL.
 */
export function selfTimes(
  { nodes, startTime, samples, timeDeltas }: CpuProfile,
  { fromUs, toUs }: { readonly fromUs: number; readonly toUs: number },
  lineOf: (url: string, line: number) => string,
): readonly SelfTime[] {
  const usByNode = new Map<number, number>();
  let atUs = startTime;
  for (const [i, id] of samples.entries()) {
    const deltaUs = timeDeltas[i] ?? 0;
    atUs += deltaUs;
    if (atUs < fromUs || atUs >= toUs) continue;
    // a delta ends with its sample and belongs to the one before it
    const node = samples[i - 1] ?? id;
    usByNode.set(node, (usByNode.get(node) ?? 0) + deltaUs);
  }
  const sums = new Map<string, SelfTime>();
  for (const node of nodes) {
    for (const part of partsOf(node, usByNode.get(node.id) ?? 0, lineOf)) {
      const key = `${part.name} ${part.file}`;
      sums.set(key, { ...part, us: part.us + (sums.get(key)?.us ?? 0) });
    }
  }
  return [...sums.values()].sort((a, b) => b.us - a.us);
}

/** A node's time, that of its lines with C calls set apart. */
function partsOf(
  { callFrame, positionTicks = [] }: ProfileNode,
  us: number,
  lineOf: (url: string, line: number) => string,
): readonly SelfTime[] {
  if (us === 0) return [];
  const ticks = positionTicks.reduce((sum, position) => sum + position.ticks, 0);
  const calls = positionTicks.flatMap((position): SelfTime[] => {
    const call = callOf(lineOf(callFrame.url, position.line));
    return call ? [{ ...call, us: (us * position.ticks) / ticks }] : [];
  });
  const rest = us - calls.reduce((sum, call) => sum + call.us, 0);
  return [...calls, { ...placeOf(callFrame), us: Math.max(0, rest) }];
}

/** The C function that a line calls. */
function callOf(text: string): Omit<SelfTime, 'us'> | undefined {
  const [, library, call] = C_CALL.exec(text) ?? [];
  if (library === undefined || call === undefined) return undefined;
  if (library !== 'libc') return { name: call, file: 'OpenSSL', group: 'OpenSSL' };
  const name = call.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`); // epollCtl is epoll_ctl
  return { name, file: 'libc', group: `libc: ${name}` };
}

function placeOf({ functionName, url }: ProfileNode['callFrame']): Omit<SelfTime, 'us'> {
  if (functionName === '(idle)') return { name: IDLE, file: '', group: IDLE };
  if (functionName === '(garbage collector)') {
    return { name: 'garbage collection', file: '', group: 'garbage collection' };
  }
  if (url === '') return { name: functionName || '(anonymous)', file: '', group: 'Node and V8' };
  const file = url
    .replace(/^.*\/(packages|node_modules)\//, '$1/')
    .replace(/\/dist\/(.*)\.js$/, '/src/$1.ts');
  const group = url.startsWith('node:') ? 'Node and V8' : GROUPS.find(([path]) => path.test(file))?.[1];
  return { name: functionName || '(anonymous)', file, group: group ?? 'other' };
}

/** Sums by group, largest first. */
export function byGroup(
  times: readonly SelfTime[],
): readonly { readonly group: string; readonly us: number }[] {
  const sums = new Map<string, number>();
  for (const { group, us } of times) sums.set(group, (sums.get(group) ?? 0) + us);
  return [...sums].map(([group, us]) => ({ group, us })).sort((a, b) => b.us - a.us);
}
