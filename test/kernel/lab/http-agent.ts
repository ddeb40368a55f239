/**
 * Makes HTTP requests from inside a network namespace, told by JSON lines on standard input.
 *
 * One process for the whole scenario: starting a client per request would cost more than the request.
 *
 * @module
 */
import { answerRequests } from './agent-loop.js';
import { get } from './http-get.js';
import { describeOutcome, type HttpRequest, type TrafficReport } from './http-protocol.js';

const KEPT_FAILURES = 20;

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

async function perform(asked: HttpRequest): Promise<unknown> {
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

answerRequests(perform);
