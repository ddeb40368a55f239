import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { LoadTarget } from './load-protocol.js';

const ANSWER_TIMEOUT_MS = 3000;

/** Sends datagrams from one port, each after the answer to the one before. @returns How often each answer came. */
export async function sendDatagrams(
  { address, port }: LoadTarget,
  count: number,
): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {};
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  try {
    for (let left = count; left > 0; left--) {
      socket.send('who?', port, address);
      const [answer] = await once(socket, 'message', { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
      counts[String(answer)] = (counts[String(answer)] ?? 0) + 1;
    }
  } finally {
    socket.close();
  }
  return counts;
}
