import { request } from 'node:http';
import type { GetOptions, HttpOutcome } from './http-protocol.js';

const DEFAULT_TIMEOUT_MS = 3000;

/** One connection per request, since IPVS balances connections, not requests. */
export function get(
  url: string,
  { timeoutMs = DEFAULT_TIMEOUT_MS, headers = {}, localAddress }: GetOptions,
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
      { agent: false, headers, localAddress, signal: AbortSignal.timeout(timeoutMs) },
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
