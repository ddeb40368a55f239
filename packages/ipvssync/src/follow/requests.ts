/** What an operator asks of the follower by signals, kept until it has time for it. */
export class Requests {
  #wantsReload = false;
  #wantsResync = false;
  #onRequest: () => void = () => undefined;

  /** Calls `listener` at each request, and at once where one waits. */
  listen(listener: () => void): void {
    this.#onRequest = listener;
    if (this.#wantsReload || this.#wantsResync) listener();
  }

  /** Asks for everything to be read anew. */
  reload(): void {
    this.#wantsReload = true;
    this.#onRequest();
  }

  /** Asks for the table to be read back. */
  resync(): void {
    this.#wantsResync = true;
    this.#onRequest();
  }

  /** Whether a reload was asked for since the last call. */
  takeReload(): boolean {
    const isWanted = this.#wantsReload;
    this.#wantsReload = false;
    return isWanted;
  }

  /** Whether a read-back was asked for since the last call. */
  takeResync(): boolean {
    const isWanted = this.#wantsResync;
    this.#wantsResync = false;
    return isWanted;
  }
}
