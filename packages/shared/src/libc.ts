/**
 * System calls that Node does not offer, through koffi. Beside openssl.ts the only module that knows of native code.
 *
 * Calls return what the C function returns; -1 means that `errno()` tells why. Buffers are passed as they are and must
 * stay alive during the call only. Structures are laid out as on 64-bit little-endian Linux.
 *
 * @module
 */
import { endianness } from 'node:os';
import { getSystemErrorName } from 'node:util';
import koffi from 'koffi';
import type { Address, Family } from './address.js';
import { SystemCallError } from './errors.js';

const libc = koffi.load(null);

export const socket: (domain: number, type: number, protocol: number) => number = libc.func(
  'int socket(int domain, int type, int protocol)',
);
export const connect: (fd: number, address: Uint8Array, length: number) => number = libc.func(
  'int connect(int fd, const void *address, uint32_t length)',
);
export const bind: (fd: number, address: Uint8Array, length: number) => number = libc.func(
  'int bind(int fd, const void *address, uint32_t length)',
);
export const send: (fd: number, data: Uint8Array, length: number, flags: number) => number = libc.func(
  'int64_t send(int fd, const void *data, size_t length, int flags)',
);
export const recv: (fd: number, data: Uint8Array, length: number, flags: number) => number = libc.func(
  'int64_t recv(int fd, void *data, size_t length, int flags)',
);
/** Messages are an array of `struct mmsghdr`; `timeout` is null for none. */
export const recvmmsg: (
  fd: number,
  messages: Uint8Array,
  count: number,
  flags: number,
  timeout: null,
) => number = libc.func('int recvmmsg(int fd, void *messages, uint32_t count, int flags, void *timeout)');
export const close: (fd: number) => number = libc.func('int close(int fd)');
export const flock: (fd: number, operation: number) => number = libc.func('int flock(int fd, int operation)');
export const setsockopt: (
  fd: number,
  level: number,
  name: number,
  value: Uint8Array,
  length: number,
) => number = libc.func('int setsockopt(int fd, int level, int name, const void *value, uint32_t length)');
export const getsockopt: (
  fd: number,
  level: number,
  name: number,
  value: Uint8Array,
  length: Uint8Array,
) => number = libc.func('int getsockopt(int fd, int level, int name, void *value, void *length)');
export const getsockname: (fd: number, address: Uint8Array, length: Uint8Array) => number = libc.func(
  'int getsockname(int fd, void *address, void *length)',
);
export const epollCreate1: (flags: number) => number = libc.func('int epoll_create1(int flags)');
export const epollCtl: (epollFd: number, operation: number, fd: number, event: Uint8Array) => number =
  libc.func('int epoll_ctl(int epollFd, int operation, int fd, void *event)');
export const epollWait: (
  epollFd: number,
  events: Uint8Array,
  maxEvents: number,
  timeoutMs: number,
) => number = libc.func('int epoll_wait(int epollFd, void *events, int maxEvents, int timeoutMs)');
/** Ends the process at once: nothing is flushed or torn down, and no handler called. */
export const exitAtOnce: (status: number) => void = libc.func('void _exit(int status)');
const setns: (fd: number, kind: number) => number = libc.func('int setns(int fd, int kind)');
const getrlimit: (resource: number, limits: Uint8Array) => number = libc.func(
  'int getrlimit(int resource, void *limits)',
);
const setrlimit: (resource: number, limits: Uint8Array) => number = libc.func(
  'int setrlimit(int resource, const void *limits)',
);
const clockGettime: (clock: number, time: Uint8Array) => number = libc.func(
  'int clock_gettime(int clock, void *time)',
);

const CLOCK_THREAD_CPUTIME_ID = 3;
const timespec = new DataView(new ArrayBuffer(16));
const timespecBytes = new Uint8Array(timespec.buffer);

/** What this thread alone has computed; a process counts those of the garbage collector and of the compiler, too. */
export function threadCpuMs(): number {
  clockGettime(CLOCK_THREAD_CPUTIME_ID, timespecBytes);
  return timespec.getUint32(0, true) * 1000 + timespec.getUint32(8, true) / 1e6;
}

/** Calls `onReadable` on the main loop whenever `fd` can be read, until closed. */
export function watchReadable(fd: number, onReadable: () => void): { close(): void } {
  return koffi.node.poll(fd, { readable: true }, onReadable);
}

/** Where bytes are in memory, for structures that point to them. Whoever keeps it keeps the bytes, too. */
export function addressOf(bytes: Uint8Array): bigint {
  return koffi.address(bytes);
}

/** The errno of the last call of this module. */
export const errno: () => number = () => koffi.errno();

export const LOCK_EX = 2;
export const LOCK_NB = 4;
export const AF_UNIX = 1;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;
export const SOL_IP = 0;
export const SOL_SOCKET = 1;
export const SOL_IPV6 = 41;
export const IP_RECVERR = 11;
export const IPV6_RECVERR = 25;
export const SO_ERROR = 4;
export const SO_KEEPALIVE = 9;
export const SO_LINGER = 13;
export const IPPROTO_TCP = 6;
export const TCP_KEEPIDLE = 4;
export const TCP_KEEPINTVL = 5;
export const TCP_KEEPCNT = 6;
export const MSG_DONTWAIT = 0x40;
export const MSG_NOSIGNAL = 0x4000;
export const EPOLL_CLOEXEC = 0o2000000;
export const EPOLL_CTL_ADD = 1;
export const EPOLLIN = 0x001;
export const EPOLLOUT = 0x004;
export const EPOLLERR = 0x008;
export const EPOLLHUP = 0x010;
export const EPOLLRDHUP = 0x2000;
export const EPOLLET = 0x80000000;
const RLIMIT_NOFILE = 7;
const CLONE_NEWNET = 0x40000000;
const AF_INET = 2;
const AF_INET6 = 10;

/** `struct epoll_event` is packed on x86-64 alone (linux/eventpoll.h). */
const EPOLL_DATA_OFFSET = process.arch === 'x64' ? 4 : 8;
export const EPOLL_EVENT_BYTES = EPOLL_DATA_OFFSET + 8;
/** Offset of the two 32-bit halves of `epoll_event.data`. */
export const EPOLL_DATA_LOW = EPOLL_DATA_OFFSET;
export const EPOLL_DATA_HIGH = EPOLL_DATA_OFFSET + 4;

export function addressFamily(family: Family): number {
  return family === 4 ? AF_INET : AF_INET6;
}

/** `struct sockaddr_in` (16 bytes) or `sockaddr_in6` (28 bytes). */
export function encodeSockaddr({ family, bytes }: Address, port: number): Buffer {
  const sockaddr = Buffer.alloc(family === 4 ? 16 : 28);
  if (endianness() === 'LE') sockaddr.writeUInt16LE(addressFamily(family), 0);
  else sockaddr.writeUInt16BE(addressFamily(family), 0);
  sockaddr.writeUInt16BE(port, 2);
  sockaddr.set(bytes, family === 4 ? 4 : 8);
  return sockaddr;
}

/** `struct sockaddr_un` of a path, which may have 107 bytes. */
export function encodeUnixSockaddr(path: string): Buffer {
  const sockaddr = Buffer.alloc(110);
  sockaddr.writeUInt16LE(AF_UNIX, 0);
  sockaddr.write(path, 2, 107);
  return sockaddr;
}

/**
 * Puts this thread into the network namespace of an open file such as /run/netns/NAME or /proc/PID/ns/net; sockets stay
 * in the one that they were opened in.
 *
 * @throws SystemCallError, such as EPERM without CAP_SYS_ADMIN.
 */
export function enterNetworkNamespace(fd: number): void {
  if (setns(fd, CLONE_NEWNET) !== 0) throw systemCallError('setns');
}

/** `ECONNREFUSED` for 111. */
export function errnoName(code: number): string {
  return code > 0 ? getSystemErrorName(-code) : `errno ${code}`;
}

/** The error that describes what `call` just ran into. */
export function systemCallError(call: string): SystemCallError {
  const code = errno();
  return new SystemCallError(call, code, errnoName(code));
}

/**
 * Asks for `wanted` open files; the hard limit is raised too where the process may.
 *
 * @returns The soft limit that is in force afterwards.
 */
export function raiseOpenFileLimit(wanted: number): number {
  const limits = new BigUint64Array(2);
  const bytes = Buffer.from(limits.buffer);
  if (getrlimit(RLIMIT_NOFILE, bytes) !== 0) throw systemCallError('getrlimit');
  const [soft = 0n, hard = 0n] = limits;
  if (soft >= BigInt(wanted)) return Number(soft);
  limits[0] = BigInt(wanted);
  if (hard < BigInt(wanted)) limits[1] = BigInt(wanted);
  if (setrlimit(RLIMIT_NOFILE, bytes) === 0) return wanted;
  limits[0] = hard;
  limits[1] = hard;
  return setrlimit(RLIMIT_NOFILE, bytes) === 0 ? Number(hard) : Number(soft);
}

/** mallopt(3). */
const M_TRIM_THRESHOLD = -1;
const M_MMAP_THRESHOLD = -3;
const SMALL_BYTES = 128 << 10;

/**
 * Has freed blocks of more than 128 KiB go back to the system at once, also those that are freed later: for a process that
 * needs much memory for a moment, and then runs for months. Without effect where the C library is not glibc.
 */
export function returnMemoryEagerly(): void {
  const mallopt = findFunction('int mallopt(int param, int value)');
  mallopt?.(M_TRIM_THRESHOLD, SMALL_BYTES);
  mallopt?.(M_MMAP_THRESHOLD, SMALL_BYTES);
}

/** Gives back to the system what is free in between. */
export function returnFreedMemory(): void {
  findFunction('int malloc_trim(size_t pad)')?.(0);
}

/** A function that only some C libraries have. */
function findFunction(declaration: string): ((...values: number[]) => number) | undefined {
  try {
    return libc.func(declaration);
  } catch {
    return undefined;
  }
}
