import { Agent } from './agent.js';
import {
  type AnswerCounts,
  describeOutcome,
  type GetOptions,
  type HttpOutcome,
  type HttpRequest,
  type TrafficReport,
} from './http-protocol.js';
import type { Namespace } from './namespace.js';

/** An HTTP client that connects from inside a namespace. */
export class HttpClient {
  readonly #agent: Agent<HttpRequest>;

  private constructor(agent: Agent<HttpRequest>) {
    this.#agent = agent;
  }

  static async start(namespace: Namespace): Promise<HttpClient> {
    return new HttpClient(await Agent.start(namespace, './http-agent.js', 'HTTP client'));
  }

  /** One request over a new connection. Does not reject for a failing server: that is an outcome like any other. */
  async get(url: string, options: GetOptions = {}): Promise<HttpOutcome> {
    return (await this.#agent.ask({ do: 'get', url, ...options })) as HttpOutcome;
  }

  /** Makes requests one after the other and counts the answers. */
  async count(url: string, requests: number, options: GetOptions = {}): Promise<AnswerCounts> {
    const counts: Record<string, number> = {};
    for (let done = 0; done < requests; done++) {
      const answer = describeOutcome(await this.get(url, options));
      counts[answer] = (counts[answer] ?? 0) + 1;
    }
    return counts;
  }

  /** Runs requests in parallel streams while `work` goes on, and tells how they fared. */
  async duringTraffic(url: string, concurrency: number, work: () => Promise<void>): Promise<TrafficReport> {
    await this.#agent.ask({ do: 'start-traffic', url, concurrency });
    const failure = await work().then(
      () => undefined,
      (reason: unknown) => ({ reason }),
    );
    const report = (await this.#agent.ask({ do: 'stop-traffic' })) as TrafficReport;
    if (failure) throw failure.reason;
    return report;
  }
}
