import { fileURLToPath } from 'node:url';
import type { Load } from '../load.js';
import { MeasuredProcess } from '../measured-process.js';
import type { Contender, Entrant } from './contender.js';

const SCRIPT = fileURLToPath(new URL('../peers/node-peer.js', import.meta.url));
const BARE_CALLS_SCRIPT = fileURLToPath(new URL('../peers/bare-calls.js', import.meta.url));

function nodePeer(name: string, testers: readonly Load['tester'][], ...args: readonly string[]): Entrant {
  return {
    name,
    canTest: (tester) => testers.includes(tester),
    start: (load, port) => startPeer(SCRIPT, load, port, args),
  };
}

/** The same tests made with what Node has for them. */
export const NODE_PEERS: readonly Entrant[] = [
  nodePeer('node:net', ['tcp', 'http']),
  nodePeer('tls.connect', ['https']),
  nodePeer('tls.connect, one secure context', ['https'], 'shared'),
  nodePeer('node:dgram', ['dns']),
];

/** What no tester can be cheaper than: the system calls of a tcp test without the test. */
export const BARE_CALLS: Entrant = {
  name: 'bare system calls',
  canTest: (tester) => tester === 'tcp',
  start: (load, port) => startPeer(BARE_CALLS_SCRIPT, load, port, []),
};

async function startPeer(
  script: string,
  { tester, reals, loopDelaySec }: Load,
  port: number,
  args: readonly string[],
): Promise<Contender> {
  const figures = [reals, port, loopDelaySec * 1000].map(String);
  const measured = new MeasuredProcess([process.execPath, script, tester, ...figures, ...args], {
    isAsked: true,
  });
  return {
    pids: [measured.pid],
    count: async () => {
      const [successes = 0, failures = 0] = (await measured.ask('count')).split(' ').map(Number);
      return { successes, failures };
    },
    [Symbol.asyncDispose]: () => measured[Symbol.asyncDispose](),
  };
}
