import { Agent } from './agent.js';
import type {
  FailedConnection,
  LoadRequest,
  LoadTarget,
  LongConnection,
  ShortCounts,
} from './load-protocol.js';
import type { Namespace } from './namespace.js';

export interface LoadReport {
  /** All that were ever opened. */
  readonly connections: readonly LongConnection[];
  /** The first short connections that failed. */
  readonly failures: readonly FailedConnection[];
}

/** Clients in a namespace: connections that are kept and used all the time, and new ones at a bounded rate. */
export class Load {
  readonly #agent: Agent<LoadRequest>;

  private constructor(agent: Agent<LoadRequest>) {
    this.#agent = agent;
  }

  static async start(namespace: Namespace): Promise<Load> {
    return new Load(await Agent.start(namespace, './load-agent.js', 'load'));
  }

  /** Opens long connections one after the other. @returns Them, after the first answer; a refused one is broken. */
  async open(target: LoadTarget, count: number): Promise<readonly LongConnection[]> {
    return (await this.#agent.ask({ do: 'open', target, count })) as readonly LongConnection[];
  }

  /** Returns when every long connection that is not broken has had so many more answers. */
  async exchange(rounds: number): Promise<void> {
    await this.#agent.ask({ do: 'exchange', rounds });
  }

  /** Closes long connections, and returns when the reals have, too. */
  async close(connections: readonly LongConnection[]): Promise<void> {
    await this.#agent.ask({ do: 'close', ids: connections.map(({ id }) => id) });
  }

  async report(): Promise<LoadReport> {
    return (await this.#agent.ask({ do: 'report' })) as LoadReport;
  }

  /** Makes a new connection each interval, to each target in turn, until `stopShort`. */
  async startShort(targets: readonly LoadTarget[], intervalMs: number): Promise<void> {
    await this.#agent.ask({ do: 'start-short', targets, intervalMs });
  }

  /** Waits for so many connections to each target that begin from now on. @returns Who answered them. */
  async countShort(connections: number): Promise<ShortCounts> {
    return (await this.#agent.ask({ do: 'count-short', connections })) as ShortCounts;
  }

  async stopShort(): Promise<void> {
    await this.#agent.ask({ do: 'stop-short' });
  }

  /** Sends datagrams from one port. @returns How often each answer came. */
  async sendDatagrams(target: LoadTarget, count: number): Promise<Readonly<Record<string, number>>> {
    return (await this.#agent.ask({ do: 'send-datagrams', target, count })) as Readonly<
      Record<string, number>
    >;
  }
}
