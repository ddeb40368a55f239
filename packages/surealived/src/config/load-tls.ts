/**
 * The attributes of a `<tester>` that are about TLS.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { messageOf } from '@surealived/shared/errors';
import { tlsObstacle } from '@surealived/shared/openssl';
import type { Tester } from '@surealived/testers/tester';
import type { Static } from 'typebox';
import { readCertificateFile } from '../certificate-file.js';
import type { TlsPolicy } from './model.js';
import { type ProblemList, placeOf } from './problem-list.js';
import type { TesterAttributes } from './schema.js';
import type { Element } from './xml.js';

interface TlsContext {
  readonly values: Static<typeof TesterAttributes>;
  readonly tester: Tester;
  readonly certificateFiles: CertificateFiles;
  readonly problems: ProblemList;
}

/** Where Debian and its kin, and Fedora and its kin, keep the authorities that they trust. */
const SYSTEM_CA_FILES = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt'];

/** Files with trusted certificates; each is read once while a services file is loaded. */
export class CertificateFiles {
  readonly #systemFiles: readonly string[];
  readonly #stamps = new Map<string, string | Error>();

  constructor(systemFiles: readonly string[] = SYSTEM_CA_FILES) {
    this.#systemFiles = systemFiles;
  }

  /** The system's file; `undefined` on a machine without one of use, which is nothing unusual. */
  get ofSystem(): string | undefined {
    return this.#systemFiles.find((file) => typeof this.#stamp(file) === 'string');
  }

  /**
   * A text that is the same as long as the file's content is.
   *
   * @throws CertificateError, TlsUnavailableError when the file cannot be used.
   */
  stampOf(file: string): string {
    const stamp = this.#stamp(file);
    if (stamp instanceof Error) throw stamp;
    return stamp;
  }

  #stamp(file: string): string | Error {
    const stamp = this.#stamps.get(file) ?? readStamp(file);
    this.#stamps.set(file, stamp);
    return stamp;
  }
}

function readStamp(file: string): string | Error {
  try {
    return createHash('sha256').update(readCertificateFile(file)).digest('hex').slice(0, 16);
  } catch (error) {
    return error as Error;
  }
}

/** @returns `undefined` where the tester does not speak TLS, or where something is wrong. */
export function loadTls(element: Element, path: string, context: TlsContext): TlsPolicy | undefined {
  const { values, tester, certificateFiles, problems } = context;
  if (!values.SSL) {
    warnWithout(element, path, { names: ['sni', ...POLICY_NAMES], needed: 'SSL', problems });
    return undefined;
  }
  const why = whyNoTls(tester);
  if (why !== undefined) problems.error(placeOf(element, 'SSL'), path, `attribute "SSL": ${why}`);
  if (values.sni !== undefined && isIP(values.sni) !== 0)
    problems.error(placeOf(element, 'sni'), path, 'attribute "sni": expected a host name, got an address');
  if (!values.tls_verify) warnWithout(element, path, { names: ['tls_ca'], needed: 'tls_verify', problems });
  const caFile = values.tls_verify ? (values.tls_ca ?? certificateFiles.ofSystem) : undefined;
  const policy = { verify: values.tls_verify, caFile, caStamp: '', minDays: values.tls_min_days };
  return caFile === undefined ? policy : { ...policy, caStamp: stampOf(caFile, element, path, context) };
}

const POLICY_NAMES = ['tls_verify', 'tls_ca', 'tls_min_days'];

/** TLS is of the engine, which holds the conversation of stream testers only. */
function whyNoTls(tester: Tester): string | undefined {
  return tester.kind === 'stream' ? tlsObstacle() : `the tester ${tester.name} does not speak TLS`;
}

function stampOf(
  file: string,
  element: Element,
  path: string,
  { certificateFiles, problems }: TlsContext,
): string {
  try {
    return certificateFiles.stampOf(file);
  } catch (error) {
    problems.error(placeOf(element, 'tls_ca'), path, `attribute "tls_ca": ${messageOf(error)}`);
    return '';
  }
}

function warnWithout(
  element: Element,
  path: string,
  { names, needed, problems }: { names: readonly string[]; needed: string; problems: ProblemList },
): void {
  for (const name of names) {
    const attribute = element.attributes.get(name);
    if (attribute) problems.warn(attribute, path, `attribute "${name}": has no effect without ${needed}="1"`);
  }
}
