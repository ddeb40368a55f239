/**
 * The floor of the CPU comparison: the system calls of a tcp test, made from here as surealived makes them, and nothing
 * else: no state, no statistics, no deadline, nobody who could see what came of it.
 *
 * Arguments and answers are those of node-peer.ts; the tester is tcp.
 *
 * @module
 */
import { createInterface } from 'node:readline';
import { parseAddress } from '@surealived/shared/address';
import * as libc from '@surealived/shared/libc';
import { addressOf } from '../load.js';

const [, reals = '1', port = '80', loopDelay = '1000'] = process.argv.slice(2);
const SOCKET_TYPE = libc.SOCK_STREAM | libc.SOCK_NONBLOCK | libc.SOCK_CLOEXEC;
const EVERYTHING = (libc.EPOLLIN | libc.EPOLLOUT | libc.EPOLLRDHUP | libc.EPOLLET) >>> 0;
const RESET_ON_CLOSE = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);
const MAX_EVENTS = 256;
const TURN_MS = 10;
const WORD_BYTES = 4;
const WORDS = libc.EPOLL_EVENT_BYTES / WORD_BYTES;
const FD_WORD = libc.EPOLL_DATA_LOW / WORD_BYTES;

const addresses = Array.from({ length: Number(reals) }, (_, i) => {
  const address = parseAddress(addressOf('tcp', i));
  if (!address) throw new Error('no address');
  return libc.encodeSockaddr(address, Number(port));
});
const epollFd = libc.epollCreate1(libc.EPOLL_CLOEXEC);
const registration = new Uint32Array(WORDS);
const registrationBytes = new Uint8Array(registration.buffer);
const events = new Uint32Array(WORDS * MAX_EVENTS);
const eventBytes = new Uint8Array(events.buffer);
let begun = 0;
let successes = 0;
let failures = 0;

function begin(sockaddr: Buffer): void {
  const fd = libc.socket(libc.addressFamily(4), SOCKET_TYPE, 0);
  libc.setsockopt(fd, libc.SOL_SOCKET, libc.SO_LINGER, RESET_ON_CLOSE, RESET_ON_CLOSE.length);
  libc.connect(fd, sockaddr, sockaddr.length);
  registration[0] = EVERYTHING;
  registration[FD_WORD] = fd;
  libc.epollCtl(epollFd, libc.EPOLL_CTL_ADD, fd, registrationBytes);
}

function harvest(): void {
  for (;;) {
    const count = libc.epollWait(epollFd, eventBytes, MAX_EVENTS, 0);
    for (let i = 0; i < count; i++) {
      if ((events[WORDS * i] ?? 0) & (libc.EPOLLERR | libc.EPOLLHUP)) failures++;
      else successes++;
      libc.close(events[WORDS * i + FD_WORD] ?? -1);
    }
    if (count < MAX_EVENTS) return;
  }
}

const watch = libc.watchReadable(epollFd, harvest);
const startMs = performance.now();
setInterval(() => {
  const due = ((performance.now() - startMs) * addresses.length) / Number(loopDelay);
  for (; begun < due; begun++) begin(addresses[begun % addresses.length] as Buffer);
}, TURN_MS);

createInterface({ input: process.stdin })
  .on('line', () => process.stdout.write(`${successes} ${failures}\n`))
  .on('close', () => watch.close());
