/** Cuts a byte stream into lines, without their \n. */
export class LineSplitter {
  #pending: Buffer = Buffer.alloc(0);

  /** Bytes received that no line has taken yet. */
  get pendingBytes(): number {
    return this.#pending.length;
  }

  push(chunk: Buffer): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
  }

  next(): Buffer | undefined {
    const end = this.#pending.indexOf(0x0a);
    if (end < 0) return undefined;
    const line = this.#pending.subarray(0, end);
    this.#pending = this.#pending.subarray(end + 1);
    return line;
  }
}
