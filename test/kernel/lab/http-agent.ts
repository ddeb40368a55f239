/**
 * Makes HTTP requests from inside a network namespace, told by JSON lines on standard input.
 *
 * One process for the whole scenario: starting a client per request would cost more than the request.
 *
 * @module
 */
import { request } from 'node:http';
import { createInterface } from 'node:readline';
import {
  type AgentAnswer,
  type AgentRequest,
  describeOutcome,
  type GetOptions,
  type HttpOutcome,
  type TrafficReport,
} from './http-protocol.js';

const DEFAULT_TIMEOUT_MS = 3000;
const KEPT_FAILURES = 20;

/** One connection per request, since IPVS balances connections, not requests. */
function get(
  url: string,
  { timeoutMs = DEFAULT_TIMEOUT_MS, headers = {} }: GetOptions,
): Promise<HttpOutcome> {
  const startedMs = performance.now();
  const settle = (outcome: Omit<HttpOutcome, 'durationMs'>): HttpOutcome => ({
    ...outcome,
    durationMs: performance.now() - startedMs,
  });
  return new Promise((resolve) => {
    const fail = (error: NodeJS.ErrnoException): void =>
      resolve(settle({ error: error.name === 'AbortError' ? 'ETIMEDOUT' : (error.code ?? error.message) }));
    const sent = request(
      url,
      { agent: false, headers, signal: AbortSignal.timeout(timeoutMs) },
      (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          body += chunk;
        });
        response.on('error', fail);
        response.on('end', () => resolve(settle({ status: response.statusCode ?? 0, body })));
      },
    );
    sent.on('error', fail);
    sent.end();
  });
}

/** Keeps a number of requests under way until told to stop. */
class Traffic {
  readonly #startedMs = performance.now();
  readonly #counts: Record<string, number> = {};
  readonly #failures: { atMs: number; answer: string }[] = [];
  readonly #streams: readonly Promise<void>[];
  #stopping = false;

  constructor(url: string, concurrency: number) {
    this.#streams = Array.from({ length: concurrency }, () => this.#stream(url));
  }

  async stop(): Promise<TrafficReport> {
    this.#stopping = true;
    await Promise.all(this.#streams);
    return { counts: this.#counts, failures: this.#failures };
  }

  async #stream(url: string): Promise<void> {
    while (!this.#stopping) {
      const outcome = await get(url, {});
      const answer = describeOutcome(outcome);
      this.#counts[answer] = (this.#counts[answer] ?? 0) + 1;
      if (outcome.status === 200 || this.#failures.length >= KEPT_FAILURES) continue;
      this.#failures.push({ atMs: Math.round(performance.now() - this.#startedMs), answer });
    }
  }
}

let traffic: Traffic | undefined;

async function perform(asked: AgentRequest): Promise<unknown> {
  switch (asked.do) {
    case 'get':
      return await get(asked.url, asked);
    case 'start-traffic':
      traffic = new Traffic(asked.url, asked.concurrency);
      return null;
    case 'stop-traffic':
      return (await traffic?.stop()) ?? null;
  }
}

createInterface({ input: process.stdin }).on('line', async (line) => {
  const asked = JSON.parse(line) as AgentRequest;
  const answer: AgentAnswer = { id: asked.id, answer: await perform(asked) };
  process.stdout.write(`${JSON.stringify(answer)}\n`);
});
process.stdout.write('ready\n');
