import * as openssl from '@surealived/shared/openssl';
import { down, type Verdict } from '@surealived/testers/tester';
import type { TlsPolicy } from '../config/model.js';
import { judgeErrno, type SocketFailure } from './outcome.js';
import { secureContextOf } from './secure-contexts.js';
import { FAILED, READY, type Transport } from './transport.js';

export interface TlsSettings {
  readonly peer: openssl.TlsPeer;
  readonly policy: TlsPolicy;
}

/** X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH (x509_vfy.h). */
const OTHER_NAME = [62, 64];
/** Names of a certificate that a verdict lists. */
const MAX_NAMES = 3;
/** As long as a name of DNS can be. */
const MAX_NAME_CHARACTERS = 253;

/** TLS over the socket, begun with a look at the certificate where the policy wants one. */
export class TlsTransport implements Transport {
  readonly #connection: openssl.TlsConnection;
  readonly #settings: TlsSettings;
  #failure: SocketFailure = { obstacle: '' };

  /** @throws TlsUnavailableError, CertificateError when it cannot be had for a reason of this machine's. */
  constructor(fd: number, settings: TlsSettings) {
    this.#settings = settings;
    this.#connection = secureContextOf(settings.policy).connect(fd, settings.peer);
  }

  get failure(): SocketFailure {
    return this.#failure;
  }

  handshake(): number {
    const answer = this.#connection.handshake();
    if (answer !== READY) return this.#answer(answer, 'handshake');
    const complaint = this.#complain();
    if (complaint === undefined) return READY;
    this.#failure = { verdict: tlsDown(complaint) };
    return FAILED;
  }

  send(data: Uint8Array): number {
    return this.#answer(this.#connection.write(data), 'send');
  }

  receive(into: Uint8Array, bytes: number): number {
    return this.#answer(this.#connection.read(into, bytes), 'recv');
  }

  close(): void {
    this.#connection.close();
  }

  #answer(answer: number, step: string): number {
    if (answer === openssl.FAILED) this.#failure = judgeTlsFailure(this.#connection.failure, step);
    return answer;
  }

  /** What the policy has against the peer's certificate. */
  #complain(): string | undefined {
    const { verify, minDays } = this.#settings.policy;
    const distrust = verify ? this.#connection.distrust : undefined;
    if (distrust) {
      if (!OTHER_NAME.includes(distrust.code)) return `certificate: ${distrust.reason}`;
      return `certificate is for ${this.#describeNames()}, expected ${this.#expectedName}`;
    }
    if (minDays === 0) return undefined;
    const { daysLeft } = this.#connection;
    if (daysLeft === undefined) return 'certificate: it does not say when it ends';
    return daysLeft < minDays ? `certificate ${describeEnd(daysLeft)}, ${minDays} wanted` : undefined;
  }

  get #expectedName(): string {
    const { identity } = this.#settings.peer;
    return 'ip' in identity ? identity.ip : identity.host;
  }

  #describeNames(): string {
    const { subjectAltName, subject } = this.#connection.certificate ?? {};
    const names = (subjectAltName ?? subject ?? 'nobody')
      .split(/, |\n/)
      .map((name) => name.replace(/^(DNS|IP Address|CN):?=?/, '').slice(0, MAX_NAME_CHARACTERS))
      .map((name) => name.replace(/\p{Cc}/gu, '?'));
    const more = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : '';
    return `${names.slice(0, MAX_NAMES).join(', ')}${more}`;
  }
}

/** @param daysLeft Negative when the certificate is over. */
function describeEnd(daysLeft: number): string {
  const days = Math.floor(Math.abs(daysLeft));
  const text = `${days} ${days === 1 ? 'day' : 'days'}`;
  return daysLeft < 0 ? `ended ${text} ago` : `ends in ${text}`;
}

function judgeTlsFailure(failure: openssl.TlsFailure, step: string): SocketFailure {
  if ('errno' in failure) return judgeErrno(step, failure.errno);
  if ('closed' in failure) return { verdict: tlsDown(`${step}: closed by the peer`) };
  // OpenSSL sees a version that no TLS ever had
  if (failure.reason === 'wrong version number') return { verdict: tlsDown('peer does not speak TLS') };
  return { verdict: tlsDown(`${step}: ${failure.reason}`) };
}

function tlsDown(detail: string): Verdict & { up: false } {
  return down('tls', detail) as Verdict & { up: false };
}
