/**
 * Moves netlink datagrams to the kernel and back, without waiting for the event loop.
 *
 * The kernel works on a netlink request within send(2) itself and has queued the answer when that returns, so there is
 * nothing to wait for; asking the event loop in between would only add a turn of it to each exchange.
 */
export interface Transport {
  /** Sends one datagram. @throws SystemCallError. */
  send(datagram: Buffer): void;
  /**
   * The next datagram from the kernel: one or more whole netlink messages, which are there until the next call.
   *
   * @throws SystemCallError: EAGAIN where nothing comes within the deadline, ENOBUFS where answers were lost.
   */
  receive(): Buffer;
  close(): void;
}
