import { fileURLToPath } from 'node:url';
import {
  type AgentAnswer,
  type AgentRequest,
  type AnswerCounts,
  describeOutcome,
  type GetOptions,
  type HttpOutcome,
  type TrafficReport,
} from './http-protocol.js';
import type { LabProcess } from './lab-process.js';
import type { Namespace } from './namespace.js';

const AGENT = fileURLToPath(new URL('./http-agent.js', import.meta.url));
const START_TIMEOUT_MS = 15_000;
/** Above every timeout of a request, so that the agent's own answer comes first. */
const ANSWER_TIMEOUT_MS = 30_000;

type Unnumbered<T> = T extends { readonly id: number } ? Omit<T, 'id'> : never;

/** An HTTP client that connects from inside a namespace. */
export class HttpClient {
  readonly #agent: LabProcess;
  #requests = 0;

  private constructor(agent: LabProcess) {
    this.#agent = agent;
  }

  static async start(namespace: Namespace): Promise<HttpClient> {
    const agent = await namespace.spawn([process.execPath, AGENT], { name: 'HTTP client' });
    await agent.waitForLine(/^ready$/, START_TIMEOUT_MS);
    return new HttpClient(agent);
  }

  /** One request over a new connection. Does not reject for a failing server: that is an outcome like any other. */
  async get(url: string, options: GetOptions = {}): Promise<HttpOutcome> {
    return (await this.#ask({ do: 'get', url, ...options })) as HttpOutcome;
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
    await this.#ask({ do: 'start-traffic', url, concurrency });
    const failure = await work().then(
      () => undefined,
      (reason: unknown) => ({ reason }),
    );
    const report = (await this.#ask({ do: 'stop-traffic' })) as TrafficReport;
    if (failure) throw failure.reason;
    return report;
  }

  async #ask(request: Unnumbered<AgentRequest>): Promise<unknown> {
    const id = ++this.#requests;
    const fromLine = this.#agent.lineCount;
    this.#agent.send(`${JSON.stringify({ id, ...request })}\n`);
    const line = await this.#agent.waitForLine(new RegExp(`^{"id":${id},.*$`), ANSWER_TIMEOUT_MS, fromLine);
    return (JSON.parse(line[0]) as AgentAnswer).answer;
  }
}
