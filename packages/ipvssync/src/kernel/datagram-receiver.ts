import * as libc from '@surealived/shared/libc';

/** The kernel fills at most 32 KiB of a dump into one datagram. */
const DATAGRAM_BYTES = 64 << 10;
const SLOTS = 4;
/** `struct mmsghdr` and `struct iovec` of 64-bit Linux, and where in them stands what counts. */
const HEADER_BYTES = 64;
const HEADER_VECTORS_AT = 16;
const HEADER_VECTOR_COUNT_AT = 24;
const HEADER_LENGTH_AT = 56;
const VECTOR_BYTES = 16;
/** The system call returns as soon as it has one; it takes more only if they are there. */
const MSG_WAITFORONE = 0x10000;

/** Takes what waits in a socket with few system calls: a dump comes in two datagrams at least, its objects and its end. */
export class DatagramReceiver {
  readonly #fd: number;
  readonly #slots = Array.from({ length: SLOTS }, () => fixedBytes(DATAGRAM_BYTES));
  readonly #vectors = fixedBytes(SLOTS * VECTOR_BYTES);
  readonly #headers = fixedBytes(SLOTS * HEADER_BYTES);
  #filled = 0;
  #taken = 0;

  constructor(fd: number) {
    this.#fd = fd;
    const vectorsAt = libc.addressOf(this.#vectors);
    for (const [i, slot] of this.#slots.entries()) {
      const vector = i * VECTOR_BYTES;
      this.#vectors.writeBigUInt64LE(libc.addressOf(slot), vector);
      this.#vectors.writeBigUInt64LE(BigInt(slot.length), vector + 8);
      const header = i * HEADER_BYTES;
      this.#headers.writeBigUInt64LE(vectorsAt + BigInt(vector), header + HEADER_VECTORS_AT);
      this.#headers.writeBigUInt64LE(1n, header + HEADER_VECTOR_COUNT_AT);
    }
  }

  /** The next datagram, which is there until the next call. @throws SystemCallError. */
  receive(): Buffer {
    if (this.#taken === this.#filled) this.#fill();
    const i = this.#taken++;
    const length = this.#headers.readUInt32LE(i * HEADER_BYTES + HEADER_LENGTH_AT);
    return (this.#slots[i] as Buffer).subarray(0, length);
  }

  #fill(): void {
    this.#taken = 0;
    this.#filled = 0;
    const count = libc.recvmmsg(this.#fd, this.#headers, SLOTS, MSG_WAITFORONE, null);
    if (count <= 0) throw libc.systemCallError('recvmmsg');
    this.#filled = count;
  }
}

/** Bytes that stay where they are: few of them in a Buffer of its own making may lie on the heap, and move. */
function fixedBytes(size: number): Buffer {
  return Buffer.from(new ArrayBuffer(size));
}
