/**
 * What systemd is told by a service of type "notify" (sd_notify(3)): datagrams of lines `NAME=value` to the socket that
 * NOTIFY_SOCKET names.
 *
 * @module
 */
import * as libc from './libc.js';

/** Of the interval after which systemd takes a service for dead, which asks for a sign of life at half of it at least. */
const SIGNS_PER_INTERVAL = 3;
/** Of sockaddr_un; the name follows, whose end its length tells. */
const FAMILY_BYTES = 2;

/** The service manager that started this process. What it cannot be told is lost: a service goes on without it. */
export class ServiceManager {
  /** Less than 0 once this is closed: the number may be another file's from then on. */
  #fd: number;
  #signs: NodeJS.Timeout | undefined;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /**
   * The one of this process, or `undefined` where nobody waits for word. The variables go no further: a script that this
   * process runs is not the service.
   */
  static join(environment = process.env): ServiceManager | undefined {
    const { NOTIFY_SOCKET: path, WATCHDOG_USEC: interval, WATCHDOG_PID: pid } = environment;
    for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete environment[name];
    const fd = path ? connectTo(path) : -1;
    if (fd < 0) return undefined;
    const manager = new ServiceManager(fd);
    const isForUs = pid === undefined || Number(pid) === process.pid;
    if (isForUs && Number(interval) > 0) manager.#giveSigns(Number(interval) / 1000);
    return manager;
  }

  /** It does its work from now on. */
  reportStarted(): void {
    this.#tell('READY=1');
  }

  reportStopping(): void {
    this.#tell('STOPPING=1');
  }

  /** @param text One line, which `systemctl status` shows. */
  reportStatus(text: string): void {
    this.#tell(`STATUS=${text}`);
  }

  /** Nothing is told from then on. */
  close(): void {
    clearInterval(this.#signs);
    libc.close(this.#fd);
    this.#fd = -1;
  }

  /** A sign of life comes from the event loop, as everything else does: where that stands still there is none. */
  #giveSigns(intervalMs: number): void {
    this.#signs = setInterval(() => this.#tell('WATCHDOG=1'), intervalMs / SIGNS_PER_INTERVAL);
    this.#signs.unref(); // it alone keeps no process alive
    this.#tell('WATCHDOG=1');
  }

  #tell(line: string): void {
    const datagram = Buffer.from(line.replaceAll('\n', ' '));
    libc.send(this.#fd, datagram, datagram.length, libc.MSG_NOSIGNAL | libc.MSG_DONTWAIT);
  }
}

/** A path, or the name of an abstract socket behind `@` (unix(7)). @returns Less than 0 where nobody is there. */
function connectTo(path: string): number {
  const fd = libc.socket(libc.AF_UNIX, libc.SOCK_DGRAM | libc.SOCK_CLOEXEC, 0);
  if (fd < 0) return fd;
  const sockaddr = libc.encodeUnixSockaddr(path.replace(/^@/, '\0'));
  const length = FAMILY_BYTES + Buffer.byteLength(path);
  if (length <= sockaddr.length && libc.connect(fd, sockaddr, length) === 0) return fd;
  libc.close(fd);
  return -1;
}
