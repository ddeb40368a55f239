import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Files of a key and of the certificate that it signed itself, in PEM. */
export interface CertificateFiles {
  readonly keyFile: string;
  readonly certFile: string;
}

/**
 * Makes a certificate for 30 days with the `openssl` program: a P-256 key, as cheap for a server as it gets.
 *
 * @param names Subject alternative names, such as `DNS:www.example.org,IP:127.0.0.1`.
 */
export function makeCertificate(directory: string, names: string): CertificateFiles {
  const [keyFile, certFile] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', keyFile];
  const subject = ['-subj', '/CN=server', '-addext', `subjectAltName=${names}`, '-days', '30'];
  execFileSync('openssl', ['req', '-x509', ...key, ...subject, '-out', certFile], { stdio: 'pipe' });
  return { keyFile, certFile };
}
