/**
 * Keeps connections and makes new ones from inside a network namespace, as `Load` tells it.
 *
 * @module
 */
import { answerRequests } from './agent-loop.js';
import { sendDatagrams } from './datagrams.js';
import { LineConnection } from './line-connection.js';
import type { LoadRequest, LoadTarget, LongConnection } from './load-protocol.js';
import { ShortLoad } from './short-load.js';

const connections: LineConnection[] = [];
let shortLoad: ShortLoad | undefined;

/** One after the other, so that a scheduler that takes turns spreads them evenly. */
async function open(target: LoadTarget, count: number): Promise<readonly LongConnection[]> {
  const opened: LineConnection[] = [];
  for (let left = count; left > 0; left--) {
    const connection = await LineConnection.open(connections.length, target);
    connections.push(connection);
    opened.push(connection);
  }
  return opened.map((connection) => connection.describe());
}

async function perform(asked: LoadRequest): Promise<unknown> {
  switch (asked.do) {
    case 'open':
      return await open(asked.target, asked.count);
    case 'exchange':
      return await Promise.all(connections.map((connection) => connection.exchange(asked.rounds)));
    case 'close':
      return await Promise.all(asked.ids.map((id) => connections[id]?.close()));
    case 'report':
      return {
        connections: connections.map((connection) => connection.describe()),
        failures: shortLoad?.failures ?? [],
      };
    case 'start-short':
      shortLoad = new ShortLoad(asked.targets, asked.intervalMs);
      return null;
    case 'count-short':
      return await shortLoad?.count(asked.connections);
    case 'stop-short':
      return await shortLoad?.stop();
    case 'send-datagrams':
      return await sendDatagrams(asked.target, asked.count);
  }
}

answerRequests(perform);
