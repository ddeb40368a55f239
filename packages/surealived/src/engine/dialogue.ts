import type { StreamRequest } from '@surealived/testers/requests';
import type { StreamProbe, Verdict } from '@surealived/testers/tester';
import type { SocketFailure, Trace } from './outcome.js';
import { closeProbe, describeTesterFailure, requireAllowed, requireVerdict } from './probe-guard.js';
import { FAILED, type Transport } from './transport.js';

/** How a dialogue stands: it waits for the socket, had its turn before it had to wait, or is over. */
export type DialogueState = 'waits' | 'goesOn' | 'over';

const NOTHING = Buffer.alloc(0);
/** Bytes that one dialogue may read before the others get their turn. */
const TURN_BYTES = 1 << 18;
/** What a request counts for at least: many small ones make a turn too. */
const REQUEST_BYTES = 1 << 10;
/** Shared by all dialogues: its content is copied before anything else runs. */
const scratch = Buffer.allocUnsafeSlow(1 << 16);

/** What a probe asks for, carried out over a transport until there is a verdict, or a reason for none. Serves many probes. */
export class Dialogue {
  sentBytes = 0;
  receivedBytes = 0;
  /** Once it is over: one of them. */
  verdict: Verdict | undefined;
  obstacle: string | undefined;
  #transport: Transport | undefined;
  #trace: Trace | undefined;
  /** Absent after its verdict. */
  #probe: StreamProbe | undefined;
  #request: StreamRequest | undefined;
  /** Progress of the current request: bytes written, or bytes collected by a read. */
  #done = 0;
  #collected: Buffer | undefined;

  /** Whether a probe has begun and has not come to its verdict. */
  get isUnderWay(): boolean {
    return this.#probe !== undefined;
  }

  begin(probe: StreamProbe, transport: Transport, trace: Trace | undefined): void {
    this.#probe = probe;
    this.#transport = transport;
    this.#trace = trace;
    this.#resume(NOTHING);
  }

  /** Carries out requests until one has to wait. */
  continue(): DialogueState {
    const transport = this.#transport as Transport;
    for (let budget = TURN_BYTES; this.#request; ) {
      const moved = this.#carryOut(this.#request, transport);
      if (moved === FAILED) this.#fail(transport.failure);
      else if (moved < 0) return 'waits';
      budget -= Math.max(moved, REQUEST_BYTES);
      if (budget <= 0 && this.#request) return 'goesOn';
    }
    return 'over';
  }

  /** Ends the probe where it has not, and holds nothing of it any more. */
  end(): void {
    closeProbe(this.#probe);
    this.#probe = undefined;
    this.#request = undefined;
    this.#transport = undefined;
    this.#trace = undefined;
    this.#collected = undefined;
  }

  /** For the next one. */
  reset(): void {
    this.sentBytes = 0;
    this.receivedBytes = 0;
    this.verdict = undefined;
    this.obstacle = undefined;
    this.#done = 0;
  }

  /** @returns Bytes moved, or less than 0 when the transport has no more to give or take for now, or has failed. */
  #carryOut(request: StreamRequest, transport: Transport): number {
    if (request.want === 'write') return this.#write(request.data, transport);
    if (request.want === 'drain') return this.#drain(transport);
    return this.#read(request.bytes, request.want === 'read', transport);
  }

  #write(data: Uint8Array, transport: Transport): number {
    const rest = this.#done === 0 ? data : data.subarray(this.#done);
    const sent = rest.length === 0 ? 0 : transport.send(rest);
    if (sent < 0) return sent;
    this.sentBytes += sent;
    if (sent > 0) this.#trace?.sent(rest.subarray(0, sent));
    this.#done += sent;
    if (this.#done >= data.length) this.#resume(NOTHING);
    return sent;
  }

  #drain(transport: Transport): number {
    const received = transport.receive(scratch, scratch.length);
    if (received < 0) return received;
    this.#noteReceived(received);
    if (received === 0) this.#resume(NOTHING);
    return received;
  }

  #read(bytes: number, exactly: boolean, transport: Transport): number {
    const wanted = Math.min(bytes - this.#done, scratch.length);
    const received = transport.receive(scratch, wanted);
    if (received < 0) return received;
    this.#noteReceived(received);
    if (this.#done === 0 && (received === bytes || received === 0 || !exactly)) {
      const data = Buffer.allocUnsafe(received);
      scratch.copy(data, 0, 0, received);
      this.#resume(data);
      return received;
    }
    this.#collected ??= Buffer.allocUnsafe(bytes);
    this.#collected.set(scratch.subarray(0, received), this.#done);
    this.#done += received;
    if (received === 0 || this.#done === bytes) this.#resume(this.#collected.subarray(0, this.#done));
    return received;
  }

  /** @param bytes How many of `scratch` have just been filled. */
  #noteReceived(bytes: number): void {
    this.receivedBytes += bytes;
    if (bytes > 0) this.#trace?.received(scratch.subarray(0, bytes));
  }

  /** Gives the probe what it asked for and takes its next request, or its verdict. */
  #resume(data: Buffer): void {
    this.#done = 0;
    this.#collected = undefined;
    this.#request = undefined;
    try {
      const step = (this.#probe as StreamProbe).next(data);
      if (!step.done) {
        this.#request = requireAllowed(step.value);
        return;
      }
      this.#probe = undefined;
      this.verdict = requireVerdict(step.value);
    } catch (error) {
      // a mistake in a tester must cost its own test only
      this.obstacle = describeTesterFailure(error);
    }
  }

  #fail(failure: SocketFailure): void {
    this.#request = undefined;
    if ('verdict' in failure) this.verdict = failure.verdict;
    else this.obstacle = failure.obstacle;
  }
}
