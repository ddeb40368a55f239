import type { Target, TaskTester, Verdict } from '../tester.js';

/** What a task did. */
export interface TaskReport {
  readonly verdict: Verdict;
  readonly isConnected: boolean;
  readonly sent: Buffer;
  readonly received: Buffer;
}

export interface RunTaskOptions {
  readonly timeoutMs?: number;
  /** Aborts the task. */
  readonly signal?: AbortSignal;
}

/** Runs a task without an engine. @throws what the task rejects with. */
export async function runTask(
  tester: TaskTester,
  target: Target,
  attributes: Parameters<TaskTester['check']>[1],
  { timeoutMs = 10_000, signal = new AbortController().signal }: RunTaskOptions = {},
): Promise<TaskReport> {
  const sent: Uint8Array[] = [];
  const received: Uint8Array[] = [];
  let isConnected = false;
  const verdict = await tester.check(target, attributes, {
    signal,
    timeoutMs,
    connected: () => {
      isConnected = true;
    },
    sent: (data) => void sent.push(Buffer.from(data)),
    received: (data) => void received.push(Buffer.from(data)),
  });
  return { verdict, isConnected, sent: Buffer.concat(sent), received: Buffer.concat(received) };
}
