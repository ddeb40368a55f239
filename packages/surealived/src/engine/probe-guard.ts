/**
 * What the engine does not take on trust: testers may come from elsewhere, whatever their types say.
 *
 * @module
 */
import { MAX_READ_BYTES, type StreamRequest } from '@surealived/testers/requests';
import {
  type DatagramExchange,
  down,
  FAILURE_REASONS,
  ObstacleError,
  type StreamProbe,
  type Verdict,
} from '@surealived/testers/tester';

/** What an IPv4 datagram can carry: 65535 less the headers of IP and UDP. */
const MAX_DATAGRAM_BYTES = 65_507;
/** The text of a verdict goes into logs, and into the history of each real. */
const MAX_DETAIL_CHARACTERS = 1000;

/** Lets an unfinished probe run its `finally` blocks; what it does there can no longer change anything. */
export function closeProbe(probe: StreamProbe | undefined): void {
  if (!probe) return;
  try {
    probe.return(down('timeout', 'cancelled'));
  } catch {
    // its verdict is already decided, and its mistakes are not the engine's
  }
}

/** A request that the engine can carry out. @throws TypeError or RangeError otherwise. */
export function requireAllowed(request: StreamRequest): StreamRequest {
  switch (request.want) {
    case 'drain':
      return request;
    case 'write':
      if (request.data instanceof Uint8Array) return request;
      throw new TypeError('a write needs bytes');
    case 'read':
    case 'readUpTo':
      if (Number.isInteger(request.bytes) && request.bytes >= 1 && request.bytes <= MAX_READ_BYTES)
        return request;
      throw new RangeError(`a read asks for ${request.bytes} bytes, 1..${MAX_READ_BYTES} are allowed`);
    default:
      throw new TypeError(`unknown request: ${JSON.stringify(request)}`);
  }
}

/** A verdict with a text, which is cut where it is long, and a known reason. @throws TypeError otherwise. */
export function requireVerdict(verdict: Verdict): Verdict {
  const isKnown = verdict.up === true || (verdict.up === false && FAILURE_REASONS.includes(verdict.reason));
  if (isKnown && typeof verdict.detail === 'string') {
    return verdict.detail.length <= MAX_DETAIL_CHARACTERS
      ? verdict
      : { ...verdict, detail: verdict.detail.slice(0, MAX_DETAIL_CHARACTERS) };
  }
  throw new TypeError(`not a verdict: ${JSON.stringify(verdict)}`);
}

/** The bytes of what a task says that it sent or received: of a text, where it forgot to encode it. */
export function bytesOf(data: unknown): Uint8Array {
  return data instanceof Uint8Array ? data : Buffer.from(String(data));
}

/** A question that can be sent. @throws TypeError or RangeError otherwise. */
export function requireExchange(exchange: DatagramExchange): DatagramExchange {
  const { request } = exchange;
  if (!(request instanceof Uint8Array)) throw new TypeError('a request needs bytes');
  if (request.length >= 1 && request.length <= MAX_DATAGRAM_BYTES) return exchange;
  throw new RangeError(`a request has ${request.length} bytes, 1..${MAX_DATAGRAM_BYTES} are allowed`);
}

/** The obstacle that a mistake in a tester is: it must cost its own test only. */
export function describeTesterFailure(error: unknown): string {
  if (error instanceof ObstacleError) return error.message;
  return `the tester failed: ${error instanceof Error ? error.stack : String(error)}`;
}
