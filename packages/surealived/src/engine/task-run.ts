import { down, type FailureReason, type TaskContext, type Verdict } from '@surealived/testers/tester';
import { type ConnectionProblem, connectionProblemOf, type OutcomeSink, type Trace } from './outcome.js';
import { bytesOf, describeTesterFailure, requireVerdict } from './probe-guard.js';
import type { Reactor } from './reactor.js';
import type { TestRun } from './test-queue.js';
import { WheelTimer } from './timer-wheel.js';

/** A test that does its own I/O. */
export interface TaskTest {
  readonly timeoutMs: number;
  readonly check: (context: TaskContext) => Promise<Verdict>;
}

/** How much of what a task received is kept in the outcome: the end of it. */
export const MAX_OUTPUT_BYTES = 4096;

/** Turns of the event loop that a result may take from the kernel to us: a program ends, its output is read. */
const GRACE_TURNS = 4;

/** Failures that a real which never answered can have; the others show that it did. */
const UNANSWERED: readonly FailureReason[] = ['refused', 'reset', 'unreachable', 'timeout'];

/** One run of a task. Tells its sink once, unless it is cancelled; what the task does afterwards is not looked at. */
export class TaskRun implements TestRun {
  readonly #reactor: Reactor;
  readonly #test: TaskTest;
  readonly #sink: OutcomeSink;
  readonly #trace: Trace | undefined;
  readonly #controller = new AbortController();
  readonly #deadline = new WheelTimer(() => this.#expire());
  readonly #startMs: number;
  #isConnected = false;
  #connectMs = 0;
  #responseMs = 0;
  #sentBytes = 0;
  #receivedBytes = 0;
  #output = Buffer.alloc(0);
  #ended = false;

  constructor(reactor: Reactor, test: TaskTest, sink: OutcomeSink, trace?: Trace) {
    this.#reactor = reactor;
    this.#test = test;
    this.#sink = sink;
    this.#trace = trace;
    this.#startMs = reactor.clock.nowMs();
  }

  start(): void {
    this.#reactor.arm(this.#deadline, this.#reactor.nowMs() + this.#test.timeoutMs);
    void this.#run();
  }

  /** Aborts the task without a word to the sink; false when it had ended already. */
  cancel(): boolean {
    if (this.#ended) return false;
    this.#release();
    this.#controller.abort();
    return true;
  }

  async #run(): Promise<void> {
    let verdict: Verdict | undefined;
    let obstacle: string | undefined;
    try {
      verdict = requireVerdict(await this.#test.check(this.#context()));
    } catch (error) {
      obstacle = describeTesterFailure(error);
    }
    this.#end(verdict, obstacle);
  }

  #context(): TaskContext {
    return {
      signal: this.#controller.signal,
      timeoutMs: this.#test.timeoutMs,
      connected: () => this.#noteConnected(),
      sent: (data) => this.#noteSent(bytesOf(data)),
      received: (data) => this.#noteReceived(bytesOf(data)),
    };
  }

  #noteConnected(): void {
    if (this.#ended || this.#isConnected) return;
    this.#isConnected = true;
    this.#connectMs = this.#elapsedMs();
  }

  #noteSent(data: Uint8Array): void {
    if (this.#ended || data.length === 0) return;
    this.#sentBytes += data.length;
    this.#trace?.sent(data);
  }

  #noteReceived(data: Uint8Array): void {
    if (this.#ended || data.length === 0) return;
    this.#noteConnected();
    if (this.#receivedBytes === 0) this.#responseMs = this.#elapsedMs();
    this.#receivedBytes += data.length;
    const end = data.subarray(-MAX_OUTPUT_BYTES);
    this.#output = Buffer.concat([this.#output, end]).subarray(-MAX_OUTPUT_BYTES);
    this.#trace?.received(data);
  }

  /** A result that is there already, and was only held up by us, gets the turns of the event loop that it needs. */
  #expire(turns = GRACE_TURNS): void {
    if (turns === 0) this.#giveUp();
    else setImmediate(() => this.#expire(turns - 1));
  }

  #giveUp(): void {
    if (this.#ended) return;
    this.#controller.abort();
    const what = this.#isConnected ? 'no verdict' : 'no answer';
    this.#end(down('timeout', `${what} within ${this.#test.timeoutMs} ms`), undefined);
  }

  #end(verdict: Verdict | undefined, obstacle: string | undefined): void {
    if (this.#ended) return;
    this.#release();
    const output = textOf(this.#output, this.#receivedBytes > this.#output.length);
    this.#sink.onOutcome({
      verdict,
      obstacle,
      connectionProblem: this.#connectionProblemIn(verdict),
      connectMs: this.#connectMs,
      responseMs: this.#responseMs,
      totalMs: this.#elapsedMs(),
      sentBytes: this.#sentBytes,
      receivedBytes: this.#receivedBytes,
      ...(output !== '' && { output }),
    });
  }

  #connectionProblemIn(verdict: Verdict | undefined): ConnectionProblem | undefined {
    if (!verdict || verdict.up || this.#isConnected) return undefined;
    return UNANSWERED.includes(verdict.reason) ? connectionProblemOf(verdict.reason) : undefined;
  }

  #elapsedMs(): number {
    return this.#reactor.clock.nowMs() - this.#startMs;
  }

  #release(): void {
    this.#ended = true;
    this.#reactor.disarm(this.#deadline);
  }
}

/** UTF-8 text of bytes; where their beginning was cut off, without the rest of a cut character. */
function textOf(bytes: Buffer, isCut: boolean): string {
  let start = 0;
  if (isCut) while (start < 3 && ((bytes[start] ?? 0) & 0xc0) === 0x80) start++;
  return bytes.toString('utf8', start);
}
