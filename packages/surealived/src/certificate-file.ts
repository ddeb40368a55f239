import { CertificateError, messageOf } from '@surealived/shared/errors';
import { countCertificates } from '@surealived/shared/openssl';
import { isSpecialFile, readBytes } from '@surealived/shared/text-file';

/** The certificates of all public authorities take about 250 KB. */
const MAX_CERTIFICATE_FILE_BYTES = 8 << 20;

/**
 * The text of a file with at least one certificate in PEM, all of which can be read.
 *
 * @throws CertificateError naming the file, and the certificate by its number; TlsUnavailableError.
 */
export function readCertificateFile(file: string): string {
  try {
    if (isSpecialFile(file)) throw new CertificateError('not a regular file');
    const bytes = readBytes(file, MAX_CERTIFICATE_FILE_BYTES);
    if (!bytes) throw new CertificateError(`larger than the limit of ${MAX_CERTIFICATE_FILE_BYTES} bytes`);
    const pem = bytes.toString('latin1');
    if (countCertificates(pem) === 0) throw new CertificateError('no certificate in it');
    return pem;
  } catch (error) {
    throw new CertificateError(`${file}: ${messageOf(error)}`, { cause: error });
  }
}
