/** The JSON lines between `HttpClient` and the agent that makes its connections from inside a namespace. */

export interface GetOptions {
  readonly timeoutMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** An address of the namespace to connect from; by default the kernel chooses. */
  readonly localAddress?: string;
}

/** What came of one request: an answer or an error code (`ECONNREFUSED`, `ETIMEDOUT`), never both. */
export interface HttpOutcome {
  readonly status?: number;
  readonly body?: string;
  readonly error?: string;
  readonly durationMs: number;
}

/** How often each answer came; the key is the body without its line end, or `error CODE`, or `status NNN`. */
export type AnswerCounts = Readonly<Record<string, number>>;

export interface TrafficReport {
  readonly counts: AnswerCounts;
  /** The first failures with their moment, in milliseconds since the traffic began. */
  readonly failures: readonly { readonly atMs: number; readonly answer: string }[];
}

export type HttpRequest =
  | ({ readonly do: 'get'; readonly url: string } & GetOptions)
  | { readonly do: 'start-traffic'; readonly url: string; readonly concurrency: number }
  | { readonly do: 'stop-traffic' };

/** The key of an outcome in `AnswerCounts`. */
export function describeOutcome({ status, body, error }: HttpOutcome): string {
  if (error !== undefined) return `error ${error}`;
  return status === 200 ? (body ?? '').trimEnd() : `status ${status}`;
}
