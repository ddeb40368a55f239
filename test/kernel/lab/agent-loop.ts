import { createInterface } from 'node:readline';

export interface AgentAnswer {
  readonly id: number;
  readonly answer?: unknown;
  /** Why it could not be done. */
  readonly error?: string;
}

/** Answers the JSON lines on standard input, each as soon as it can, until that ends. */
export function answerRequests<Request extends object>(
  perform: (request: Request) => Promise<unknown>,
): void {
  createInterface({ input: process.stdin }).on('line', async (line) => {
    const { id, request } = JSON.parse(line) as { id: number; request: Request };
    const result = await perform(request).then(
      (answer: unknown = null) => ({ answer }),
      (error: unknown) => ({ error: String(error) }),
    );
    process.stdout.write(`${JSON.stringify({ id, ...result } satisfies AgentAnswer)}\n`);
  });
  process.stdout.write('ready\n');
}
