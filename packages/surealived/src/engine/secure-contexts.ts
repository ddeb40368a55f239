/**
 * The secure contexts of this thread: testers that want the same share one, and a reload makes none anew.
 *
 * @module
 */
import { SecureContext } from '@surealived/shared/openssl';
import { readCertificateFile } from '../certificate-file.js';
import type { TlsPolicy } from '../config/model.js';

interface SharedContext {
  /** What its certificates were when it was made. */
  readonly caStamp: string;
  readonly context: SecureContext;
}

/** Where Debian and its kin, and Fedora and its kin, keep the authorities that they trust. */
const SYSTEM_CA_FILES = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt'];

/** By file; `unverified` and `system` for the two that have none. Bounded by the files that were ever named. */
const shared = new Map<string, SharedContext>();

/**
 * The context for a policy, made at its first use and again when the certificates in its file are others.
 *
 * @throws TlsUnavailableError, CertificateError when it cannot be had.
 */
export function secureContextOf({ verify, caFile, caStamp }: TlsPolicy): SecureContext {
  const file = caFile === undefined ? 'system' : `file ${caFile}`;
  const key = verify ? file : 'unverified';
  const known = shared.get(key);
  if (known && known.caStamp === caStamp) return known.context;
  const context = new SecureContext({ verify, trusted: verify ? readTrusted(caFile) : '' });
  known?.context.close(); // its connections live on
  shared.set(key, { caStamp, context });
  return context;
}

function readTrusted(caFile: string | undefined): string {
  if (caFile !== undefined) return readCertificateFile(caFile);
  for (const file of SYSTEM_CA_FILES) {
    const pem = tryRead(file);
    if (pem !== undefined) return pem;
  }
  // loaded here: nobody else needs node:tls
  return process.getBuiltinModule('node:tls').rootCertificates.join('\n');
}

/** A machine without certificates of its own is nothing unusual: Node brings some along. */
function tryRead(file: string): string | undefined {
  try {
    return readCertificateFile(file);
  } catch {
    return undefined;
  }
}
