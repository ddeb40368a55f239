/**
 * TCP sockets of tests and sentinels, up to their connection.
 *
 * @module
 */
import * as libc from '@surealived/shared/libc';

const EINPROGRESS = 115;
const SOCKET_TYPE = libc.SOCK_STREAM | libc.SOCK_NONBLOCK | libc.SOCK_CLOEXEC;
/** struct linger { on, 0 s }: close resets, so that thousands of tests a second leave no TIME_WAIT behind. */
const RESET_ON_CLOSE = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);
/** Where sockaddr_in and sockaddr_in6 have the port. */
const SOCKADDR_PORT = 2;
/** Clients get no privileged port (net.ipv4.ip_unprivileged_port_start), which spares most tests a look. */
const FIRST_CLIENT_PORT = 1024;
const localSockaddr = Buffer.alloc(28);
const localLength = Buffer.alloc(4);

/** A socket that does not block. @returns Its descriptor; where that is below 0, errno tells why. */
export function openSocket(domain: number): number {
  const fd = libc.socket(domain, SOCKET_TYPE, 0);
  if (fd >= 0) libc.setsockopt(fd, libc.SOL_SOCKET, libc.SO_LINGER, RESET_ON_CLOSE, RESET_ON_CLOSE.length);
  return fd;
}

/** @returns Whether it is on its way; if not, errno tells why. */
export function beginToConnect(fd: number, sockaddr: Buffer): boolean {
  return libc.connect(fd, sockaddr, sockaddr.length) === 0 || libc.errno() === EINPROGRESS;
}

/**
 * Whether a socket is connected to itself. Where a real of this machine is gone, and its port is one that the kernel gives
 * to clients too (net.ipv4.ip_local_port_range), now and then it gives the test that very port, and TCP lets the two ends
 * open at once.
 */
export function isItself(fd: number, sockaddr: Buffer): boolean {
  if (sockaddr.readUInt16BE(SOCKADDR_PORT) < FIRST_CLIENT_PORT) return false;
  localLength.writeInt32LE(localSockaddr.length);
  if (libc.getsockname(fd, localSockaddr, localLength) !== 0) return false;
  if (sockaddr.readUInt16BE(SOCKADDR_PORT) !== localSockaddr.readUInt16BE(SOCKADDR_PORT)) return false;
  return sockaddr.equals(localSockaddr.subarray(0, sockaddr.length));
}
