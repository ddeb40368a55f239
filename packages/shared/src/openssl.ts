/**
 * TLS from the OpenSSL that is part of Node, through koffi, over sockets of our own: node:tls would want to own them.
 *
 * Bound at the first use, so that a program without TLS pays nothing. Native objects have one owner each, a SecureContext or
 * a TlsConnection, and are freed by its `close`, once. OpenSSL's queue of errors belongs to the thread and is shared with
 * Node's own cryptography: it is cleared before each call whose errors are looked at, and after each failure.
 *
 * OpenSSL writes with write(2), not send(2): it relies on SIGPIPE being ignored, as Node sees to.
 *
 * @module
 */
import { X509Certificate } from 'node:crypto';
import { endianness } from 'node:os';
import koffi from 'koffi';
import { CertificateError, messageOf, TlsUnavailableError } from './errors.js';
import { errno } from './libc.js';

/** Answer of a step that has to wait for the socket, whichever way: SSL_read may have to write, and the reverse. */
export const WAIT = -1;
/** Answer of a step that failed: `failure` tells why. */
export const FAILED = -2;

/** Why a step failed: the socket's errno, the peer that closed although we had more to say, or what OpenSSL calls it. */
export type TlsFailure = { readonly errno: number } | { readonly closed: true } | { readonly reason: string };

export interface SecureContextOptions {
  /**
   * Whether certificates will be judged; TLS 1.2 and OpenSSL's usual security level are then the least. If not, everything
   * is spoken that OpenSSL still can (TLS 1.0, security level 0, servers without RFC 5746): whether a server is well does
   * not depend on its age or on a weak key.
   */
  readonly verify: boolean;
  /** Certificates to trust, in PEM, each for itself (X509_V_FLAG_PARTIAL_CHAIN). */
  readonly trusted: string;
}

/** Whom a connection goes to. */
export interface TlsPeer {
  /** For SNI (RFC 6066 section 3): at most 255 bytes, no address; absent for none. */
  readonly serverName: string | undefined;
  /** What the certificate must be made out to, where certificates are judged. */
  readonly identity: { readonly host: string } | { readonly ip: string };
}

/** A pointer as a number: user space ends below 2^53. 0 is NULL. */
type Pointer = number;

// ssl.h, x509_vfy.h, x509v3.h, pemerr.h
const SSL_CTRL_MODE = 33;
const SSL_CTRL_SET_READ_AHEAD = 41;
const SSL_CTRL_SET_SESS_CACHE_MODE = 44;
const SSL_CTRL_SET_TLSEXT_HOSTNAME = 55;
const SSL_CTRL_SET_MIN_PROTO_VERSION = 123;
const TLSEXT_NAMETYPE_HOST_NAME = 0;
const TLS1_VERSION = 0x0301;
const TLS1_2_VERSION = 0x0303;
const SSL_SESS_CACHE_OFF = 0;
const SSL_MODE_ENABLE_PARTIAL_WRITE = 0x1;
const SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER = 0x2;
const SSL_OP_LEGACY_SERVER_CONNECT = 1 << 2;
const SSL_OP_IGNORE_UNEXPECTED_EOF = 1 << 7;
const SSL_OP_NO_TICKET = 1 << 14;
const SSL_ERROR_SSL = 1;
const SSL_ERROR_WANT_READ = 2;
const SSL_ERROR_WANT_WRITE = 3;
const SSL_ERROR_ZERO_RETURN = 6;
const X509_V_FLAG_PARTIAL_CHAIN = 0x80000;
const X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS = 0x4;
/** PEM_R_NO_START_LINE in words. */
const NO_MORE_PEM = 'no start line';
const SECONDS_PER_DAY = 86_400;

type OpenSsl = ReturnType<typeof bind>;
let openSsl: OpenSsl | undefined;
let obstacle: string | undefined;

/** Why TLS cannot be had in this Node, or `undefined` where it can: some builds do not export OpenSSL's functions. */
export function tlsObstacle(): string | undefined {
  if (openSsl || obstacle !== undefined) return obstacle;
  try {
    openSsl = bind();
  } catch (error) {
    obstacle = `this build of Node (${process.version}) does not offer its OpenSSL: ${messageOf(error)}`;
  }
  return obstacle;
}

function requireOpenSsl(): OpenSsl {
  const why = tlsObstacle();
  if (why !== undefined || !openSsl) throw new TlsUnavailableError(why ?? 'no OpenSSL');
  return openSsl;
}

/** What connections of one kind have in common (SSL_CTX). Connections may outlive it. */
export class SecureContext {
  readonly #ssl: OpenSsl;
  readonly #verify: boolean;
  #context: Pointer;

  /** @throws TlsUnavailableError without OpenSSL; CertificateError when one of `trusted` cannot be read. */
  constructor({ verify, trusted }: SecureContextOptions) {
    const ssl = requireOpenSsl();
    this.#ssl = ssl;
    this.#verify = verify;
    ssl.clearErrors();
    this.#context = ssl.newContext(ssl.clientMethod());
    if (this.#context === 0) throw new TlsUnavailableError(`SSL_CTX_new: ${takeError(ssl)}`);
    try {
      this.#configure();
      if (verify) this.#trust(trusted);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /**
   * A connection over a socket that does not block and stays the caller's.
   *
   * @throws TlsUnavailableError when OpenSSL has no memory, or cannot use the names.
   */
  connect(fd: number, peer: TlsPeer): TlsConnection {
    if (this.#context === 0) throw new Error('a closed SecureContext');
    return new TlsConnection(this.#ssl, {
      context: this.#context,
      fd,
      serverName: peer.serverName,
      identity: this.#verify ? peer.identity : undefined,
    });
  }

  /** Frees it; a second time does nothing. */
  close(): void {
    if (this.#context !== 0) this.#ssl.freeContext(this.#context);
    this.#context = 0;
  }

  /**
   * No resumption: an abbreviated handshake shows no certificate, and it saved less than 10 % of the CPU. Reading ahead
   * saved a few percent: one read(2) for several records.
   */
  #configure(): void {
    const ssl = this.#ssl;
    const context = this.#context;
    const old = this.#verify ? 0 : SSL_OP_LEGACY_SERVER_CONNECT;
    ssl.setOptions(context, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_TICKET | old);
    ssl.control(
      context,
      SSL_CTRL_MODE,
      SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER,
      0,
    );
    ssl.control(context, SSL_CTRL_SET_SESS_CACHE_MODE, SSL_SESS_CACHE_OFF, 0);
    ssl.control(context, SSL_CTRL_SET_READ_AHEAD, 1, 0);
    ssl.control(context, SSL_CTRL_SET_MIN_PROTO_VERSION, this.#verify ? TLS1_2_VERSION : TLS1_VERSION, 0);
    if (!this.#verify) return ssl.setSecurityLevel(context, 0);
    const param = ssl.contextParam(context);
    ssl.setVerifyFlags(param, X509_V_FLAG_PARTIAL_CHAIN);
    ssl.setHostFlags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  }

  #trust(pem: string): void {
    const ssl = this.#ssl;
    const store = ssl.contextStore(this.#context);
    walkCertificates(ssl, pem, (certificate) => ssl.addToStore(store, certificate));
  }
}

/**
 * How many certificates a text in PEM holds, 0 or more; keys and whatever stands between are skipped.
 *
 * @throws TlsUnavailableError without OpenSSL; CertificateError when one of them cannot be read.
 */
export function countCertificates(pem: string): number {
  return walkCertificates(requireOpenSsl(), pem, () => undefined);
}

/** @param use Gets each certificate for the time of the call. @returns How many there were. */
function walkCertificates(ssl: OpenSsl, pem: string, use: (certificate: Pointer) => void): number {
  const bytes = Buffer.from(pem);
  ssl.clearErrors();
  const bio = ssl.newBio(ssl.memoryBio());
  try {
    ssl.writeBio(bio, bytes, bytes.length);
    for (let count = 0; ; count++) {
      const certificate = ssl.readPem(bio, 0, 0, 0);
      if (certificate === 0) {
        const reason = takeError(ssl);
        if (reason === NO_MORE_PEM) return count;
        throw new CertificateError(`certificate ${count + 1}: ${reason}`);
      }
      use(certificate);
      ssl.freeCertificate(certificate);
    }
  } finally {
    ssl.freeBio(bio);
  }
}

interface ConnectionSettings {
  readonly context: Pointer;
  readonly fd: number;
  readonly serverName: string | undefined;
  readonly identity: TlsPeer['identity'] | undefined;
}

/**
 * One TLS connection as a client (SSL). Each step answers at once: with a result, `WAIT` (to be repeated after the next event
 * of the socket, in whichever direction), or `FAILED` (nothing more can be done then but to close it).
 */
export class TlsConnection {
  readonly #ssl: OpenSsl;
  #pointer: Pointer;
  #failure: TlsFailure = { closed: true };

  /** For SecureContext. */
  constructor(ssl: OpenSsl, { context, fd, serverName, identity }: ConnectionSettings) {
    this.#ssl = ssl;
    ssl.clearErrors();
    this.#pointer = ssl.newConnection(context);
    if (this.#pointer === 0) throw new TlsUnavailableError(`SSL_new: ${takeError(ssl)}`);
    const done =
      ssl.setDescriptor(this.#pointer, fd) === 1 &&
      this.#askFor(serverName) &&
      this.#expectIdentity(identity);
    if (done) return;
    this.close();
    throw new TlsUnavailableError(`the name cannot be used: ${takeError(ssl)}`);
  }

  /** Why the last step answered `FAILED`. */
  get failure(): TlsFailure {
    return this.#failure;
  }

  /** @returns 1 once the handshake is done; the certificate has not been judged then. */
  handshake(): number {
    this.#ssl.clearErrors();
    const result = this.#ssl.connect(this.#live);
    return result === 1 ? 1 : this.#failAtEnd(this.#judge(result));
  }

  /**
   * Reads at most `bytes` (1..) into `into`.
   *
   * @returns Bytes read; 0 at the end of the stream, with close_notify or without: many servers just close.
   */
  read(into: Uint8Array, bytes: number): number {
    this.#ssl.clearErrors();
    const result = this.#ssl.read(this.#live, into, bytes);
    return result > 0 ? result : this.#judge(result);
  }

  /**
   * @param data At least one byte; after `WAIT` the same bytes, or more, must be offered again.
   * @returns Bytes written: one record at most.
   */
  write(data: Uint8Array): number {
    this.#ssl.clearErrors();
    const result = this.#ssl.write(this.#live, data, data.length);
    return result > 0 ? result : this.#failAtEnd(this.#judge(result));
  }

  /**
   * What is wrong with the peer's certificate in the words of OpenSSL, or `undefined` when it may be trusted. To be asked
   * after the handshake, where the context judges certificates (SSL_get_verify_result).
   */
  get distrust(): { readonly code: number; readonly reason: string } | undefined {
    // OpenSSL finds nothing wrong with a certificate that is not there
    if (!this.#withCertificate(() => true)) return { code: -1, reason: 'the peer shows none' };
    const code = this.#ssl.verifyResult(this.#live);
    return code === 0 ? undefined : { code, reason: this.#ssl.describeVerifyResult(code) };
  }

  /** Days from now to the end of the peer's certificate, negative when it is over; `undefined` without a certificate. */
  get daysLeft(): number | undefined {
    return this.#withCertificate((certificate) => {
      const [days, seconds] = [Buffer.alloc(4), Buffer.alloc(4)];
      const now = 0;
      if (this.#ssl.diffTime(days, seconds, now, this.#ssl.notAfter(certificate)) !== 1) return undefined;
      return readInt32(days) + readInt32(seconds) / SECONDS_PER_DAY;
    });
  }

  /** The peer's certificate; `undefined` when there is none. */
  get certificate(): X509Certificate | undefined {
    return this.#withCertificate((certificate) => {
      const bio = this.#ssl.newBio(this.#ssl.memoryBio());
      try {
        if (this.#ssl.writeDer(bio, certificate) !== 1) return undefined;
        const der = Buffer.allocUnsafe(this.#ssl.bioLength(bio));
        this.#ssl.readBio(bio, der, der.length);
        return new X509Certificate(der);
      } finally {
        this.#ssl.freeBio(bio);
      }
    });
  }

  /** Frees it without a word to the peer; the socket stays open. A second time does nothing. */
  close(): void {
    if (this.#pointer !== 0) this.#ssl.freeConnection(this.#pointer);
    this.#pointer = 0;
  }

  get #live(): Pointer {
    if (this.#pointer === 0) throw new Error('a closed TlsConnection');
    return this.#pointer;
  }

  #askFor(serverName: string | undefined): boolean {
    if (serverName === undefined) return true;
    const kind = TLSEXT_NAMETYPE_HOST_NAME;
    return this.#ssl.setText(this.#live, SSL_CTRL_SET_TLSEXT_HOSTNAME, kind, serverName) === 1;
  }

  /** An empty name would not be looked for at all. */
  #expectIdentity(identity: TlsPeer['identity'] | undefined): boolean {
    if (!identity) return true;
    if ('ip' in identity) return this.#ssl.setIp(this.#ssl.param(this.#live), identity.ip) === 1;
    return identity.host !== '' && this.#ssl.setHost(this.#live, identity.host) === 1;
  }

  /** What a result that is no success comes to: `WAIT`, `FAILED`, or 0 for the end of the stream. */
  #judge(result: number): number {
    const code = errno(); // before any other call
    switch (this.#ssl.getError(this.#live, result)) {
      case SSL_ERROR_WANT_READ:
      case SSL_ERROR_WANT_WRITE:
        return WAIT;
      case SSL_ERROR_ZERO_RETURN:
        return 0;
      case SSL_ERROR_SSL:
        this.#failure = { reason: takeError(this.#ssl) };
        return FAILED;
      default: // SSL_ERROR_SYSCALL
        this.#ssl.clearErrors();
        this.#failure = code === 0 ? { closed: true } : { errno: code };
        return FAILED;
    }
  }

  /**
   * The end of the stream is a failure for whoever does not read. A write that fails after a close_notify was read, with
   * EPIPE for one, is told as that end by OpenSSL.
   */
  #failAtEnd(answer: number): number {
    if (answer !== 0) return answer;
    this.#failure = { closed: true };
    return FAILED;
  }

  #withCertificate<T>(use: (certificate: Pointer) => T | undefined): T | undefined {
    const certificate = this.#ssl.peerCertificate(this.#live);
    if (certificate === 0) return undefined;
    try {
      return use(certificate);
    } finally {
      this.#ssl.freeCertificate(certificate);
    }
  }
}

function readInt32(bytes: Buffer): number {
  return endianness() === 'LE' ? bytes.readInt32LE() : bytes.readInt32BE();
}

/** The first error of the queue in words, such as "wrong version number"; the queue is empty afterwards. */
function takeError(ssl: OpenSsl): string {
  const code = ssl.getFirstError();
  ssl.clearErrors();
  if (code === 0) return 'no reason given';
  return ssl.describeError(code) ?? `error ${code.toString(16)}`;
}

/** Each name is that of the C function in the prototype; see its page in section 3 of the OpenSSL manual. */
function bind() {
  const library = koffi.load(null);
  const find = <F extends (...args: never[]) => unknown>(prototype: string): F =>
    library.func(prototype) as unknown as F;
  return {
    clientMethod: find<() => Pointer>('uintptr_t TLS_client_method()'),
    newContext: find<(method: Pointer) => Pointer>('uintptr_t SSL_CTX_new(uintptr_t method)'),
    freeContext: find<(context: Pointer) => void>('void SSL_CTX_free(uintptr_t context)'),
    setOptions: find<(context: Pointer, options: number) => number>(
      'uint64_t SSL_CTX_set_options(uintptr_t context, uint64_t options)',
    ),
    control: find<(context: Pointer, command: number, value: number, pointer: Pointer) => number>(
      'long SSL_CTX_ctrl(uintptr_t context, int command, long value, uintptr_t pointer)',
    ),
    setSecurityLevel: find<(context: Pointer, level: number) => void>(
      'void SSL_CTX_set_security_level(uintptr_t context, int level)',
    ),
    contextStore: find<(context: Pointer) => Pointer>('uintptr_t SSL_CTX_get_cert_store(uintptr_t context)'),
    contextParam: find<(context: Pointer) => Pointer>('uintptr_t SSL_CTX_get0_param(uintptr_t context)'),
    setVerifyFlags: find<(param: Pointer, flags: number) => number>(
      'int X509_VERIFY_PARAM_set_flags(uintptr_t param, unsigned long flags)',
    ),
    setHostFlags: find<(param: Pointer, flags: number) => void>(
      'void X509_VERIFY_PARAM_set_hostflags(uintptr_t param, unsigned int flags)',
    ),
    addToStore: find<(store: Pointer, certificate: Pointer) => number>(
      'int X509_STORE_add_cert(uintptr_t store, uintptr_t certificate)',
    ),

    newConnection: find<(context: Pointer) => Pointer>('uintptr_t SSL_new(uintptr_t context)'),
    freeConnection: find<(ssl: Pointer) => void>('void SSL_free(uintptr_t ssl)'),
    setDescriptor: find<(ssl: Pointer, fd: number) => number>('int SSL_set_fd(uintptr_t ssl, int fd)'),
    setText: find<(ssl: Pointer, command: number, value: number, text: string) => number>(
      'long SSL_ctrl(uintptr_t ssl, int command, long value, const char *text)',
    ),
    setHost: find<(ssl: Pointer, host: string) => number>(
      'int SSL_set1_host(uintptr_t ssl, const char *host)',
    ),
    param: find<(ssl: Pointer) => Pointer>('uintptr_t SSL_get0_param(uintptr_t ssl)'),
    setIp: find<(param: Pointer, ip: string) => number>(
      'int X509_VERIFY_PARAM_set1_ip_asc(uintptr_t param, const char *ip)',
    ),
    connect: find<(ssl: Pointer) => number>('int SSL_connect(uintptr_t ssl)'),
    read: find<(ssl: Pointer, into: Uint8Array, bytes: number) => number>(
      'int SSL_read(uintptr_t ssl, void *into, int bytes)',
    ),
    write: find<(ssl: Pointer, data: Uint8Array, bytes: number) => number>(
      'int SSL_write(uintptr_t ssl, const void *data, int bytes)',
    ),
    getError: find<(ssl: Pointer, result: number) => number>('int SSL_get_error(uintptr_t ssl, int result)'),

    verifyResult: find<(ssl: Pointer) => number>('long SSL_get_verify_result(uintptr_t ssl)'),
    describeVerifyResult: find<(code: number) => string>(
      'const char *X509_verify_cert_error_string(long code)',
    ),
    peerCertificate: find<(ssl: Pointer) => Pointer>('uintptr_t SSL_get1_peer_certificate(uintptr_t ssl)'),
    freeCertificate: find<(certificate: Pointer) => void>('void X509_free(uintptr_t certificate)'),
    notAfter: find<(certificate: Pointer) => Pointer>('uintptr_t X509_get0_notAfter(uintptr_t certificate)'),
    diffTime: find<(days: Uint8Array, seconds: Uint8Array, from: Pointer, to: Pointer) => number>(
      'int ASN1_TIME_diff(void *days, void *seconds, uintptr_t from, uintptr_t to)',
    ),
    memoryBio: find<() => Pointer>('uintptr_t BIO_s_mem()'),
    newBio: find<(method: Pointer) => Pointer>('uintptr_t BIO_new(uintptr_t method)'),
    freeBio: find<(bio: Pointer) => number>('int BIO_free(uintptr_t bio)'),
    writeBio: find<(bio: Pointer, data: Uint8Array, bytes: number) => number>(
      'int BIO_write(uintptr_t bio, const void *data, int bytes)',
    ),
    readBio: find<(bio: Pointer, into: Uint8Array, bytes: number) => number>(
      'int BIO_read(uintptr_t bio, void *into, int bytes)',
    ),
    bioLength: find<(bio: Pointer) => number>('size_t BIO_ctrl_pending(uintptr_t bio)'),
    writeDer: find<(bio: Pointer, certificate: Pointer) => number>(
      'int i2d_X509_bio(uintptr_t bio, uintptr_t certificate)',
    ),
    readPem: find<(bio: Pointer, reuse: Pointer, callback: Pointer, argument: Pointer) => Pointer>(
      'uintptr_t PEM_read_bio_X509(uintptr_t bio, uintptr_t reuse, uintptr_t callback, uintptr_t argument)',
    ),

    clearErrors: find<() => void>('void ERR_clear_error()'),
    getFirstError: find<() => number>('unsigned long ERR_get_error()'),
    describeError: find<(code: number) => string | null>(
      'const char *ERR_reason_error_string(unsigned long code)',
    ),
  };
}
