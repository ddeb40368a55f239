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

/** By file; `unverified` and `Node's own` for the two that have none. Bounded by the files that were ever named. */
const shared = new Map<string, SharedContext>();

/**
 * The context for a policy, made at its first use and again when the certificates in its file are others.
 *
 * @throws TlsUnavailableError, CertificateError when it cannot be had.
 */
export function secureContextOf({ verify, caFile, caStamp }: TlsPolicy): SecureContext {
  const file = caFile === undefined ? "Node's own" : `file ${caFile}`;
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
  // loaded here: nobody else needs node:tls
  return process.getBuiltinModule('node:tls').rootCertificates.join('\n');
}
