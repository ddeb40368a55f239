/**
 * The local syslog, spoken to as syslog(3) does: RFC 3164 without a host name, a datagram each, over /dev/log.
 *
 * @module
 */
import * as libc from './libc.js';
import { type LogLevel, SEVERITIES } from './log-level.js';

/** Daemon, in RFC 3164. */
const FACILITY = 3;
const MAX_TEXT_BYTES = 8 << 10;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const SEND_FLAGS = libc.MSG_DONTWAIT | libc.MSG_NOSIGNAL;

/** One datagram. Control characters are written as `#012`, as syslog daemons do; a long text is cut. */
export function formatSyslog(tag: string, level: LogLevel, time: Date, text: string): Buffer {
  const [day, clock] = [String(time.getDate()).padStart(2), time.toTimeString().slice(0, 8)];
  const head = `<${FACILITY * 8 + SEVERITIES[level]}>${MONTHS[time.getMonth()]} ${day} ${clock} ${tag}: `;
  const escaped = text.replace(/\p{Cc}/gu, (char) => `#${char.charCodeAt(0).toString(8).padStart(3, '0')}`);
  const bytes = Buffer.from(escaped);
  return Buffer.concat([Buffer.from(head), bytes.subarray(0, characterEnd(bytes, MAX_TEXT_BYTES))]);
}

/** The largest length up to `limit` that splits no character of UTF-8. */
function characterEnd(bytes: Buffer, limit: number): number {
  if (bytes.length <= limit) return bytes.length;
  let end = limit;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return end;
}

/**
 * A connection to the syslog daemon that comes back when the daemon does. Sending never waits and never throws: what
 * cannot be sent is lost, and counted until the next message arrives.
 */
export class Syslog {
  readonly #path: string;
  readonly #tag: string;
  #fd: number | undefined;
  #lost = 0;

  /** @param path The daemon's socket; @param tag Such as `surealived[17]`. */
  constructor(path: string, tag: string) {
    this.#path = path;
    this.#tag = tag;
  }

  /** Whether the daemon is there. */
  get isThere(): boolean {
    return this.#connect() !== undefined;
  }

  send(level: LogLevel, time: Date, text: string): void {
    if (this.#lost > 0) {
      const notice = formatSyslog(this.#tag, 'warn', time, `messages lost count=${this.#lost}`);
      if (this.#deliver(notice)) this.#lost = 0;
    }
    if (!this.#deliver(formatSyslog(this.#tag, level, time, text))) this.#lost++;
  }

  close(): void {
    if (this.#fd !== undefined) libc.close(this.#fd);
    this.#fd = undefined;
  }

  /** Twice at most, since the daemon may have been replaced by another on the same path. */
  #deliver(datagram: Buffer): boolean {
    for (let attempt = 0; attempt < 2; attempt++) {
      const fd = this.#connect();
      if (fd === undefined) return false;
      if (libc.send(fd, datagram, datagram.length, SEND_FLAGS) >= 0) return true;
      const isFull = libc.errnoName(libc.errno()) === 'EAGAIN';
      if (isFull) return false;
      this.close();
    }
    return false;
  }

  #connect(): number | undefined {
    if (this.#fd !== undefined) return this.#fd;
    const type = libc.SOCK_DGRAM | libc.SOCK_NONBLOCK | libc.SOCK_CLOEXEC;
    const fd = libc.socket(libc.AF_UNIX, type, 0);
    if (fd < 0) return undefined;
    const address = libc.encodeUnixSockaddr(this.#path);
    if (libc.connect(fd, address, address.length) === 0) this.#fd = fd;
    else libc.close(fd);
    return this.#fd;
  }
}
