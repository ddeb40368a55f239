import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A certificate with its key, in PEM and as files. */
export interface Identity {
  readonly key: string;
  readonly cert: string;
  readonly keyFile: string;
  readonly certFile: string;
}

export interface CertificateOptions {
  /** Subject alternative names, such as `DNS:www.example.org` or `IP:127.0.0.1`. */
  readonly names: string;
  /** From now to its end; -1 for one that is over. */
  readonly days?: number;
  /** Arguments of `openssl req` that make the key. */
  readonly key?: readonly string[];
}

const EC_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];

/** Whether there is no `openssl` program to make certificates with; tests that need it are then skipped. */
export const isOpensslMissing =
  spawnSync('openssl', ['version']).error !== undefined && process.env.SUREALIVED_NO_SKIP !== '1';
if (isOpensslMissing) console.log('TLS tests skipped: openssl missing; test/install-debian.sh installs it');

/** An authority for tests, in a directory of its own. Makes certificates with the `openssl` program. */
export class TestAuthority implements Disposable {
  readonly #directory = mkdtempSync(join(tmpdir(), 'test-authority-'));
  readonly certFile: string;
  #issued = 0;

  constructor() {
    this.certFile = this.#file('ca.pem');
    const extension = ['-addext', 'basicConstraints=critical,CA:TRUE'];
    const files = ['-keyout', this.#file('ca.key'), '-out', this.certFile];
    openssl('req', '-x509', ...EC_KEY, '-nodes', '-subj', '/CN=Test authority', ...extension, ...files);
  }

  issue({ names, days = 90, key = EC_KEY }: CertificateOptions): Identity {
    const name = `leaf${++this.#issued}`;
    const [keyFile, request, certFile] = [`${name}.key`, `${name}.csr`, `${name}.pem`].map((file) =>
      this.#file(file),
    ) as [string, string, string];
    const extensions = this.writeFile(`${name}.ext`, `subjectAltName=${names}\n`);
    openssl('req', '-new', ...key, '-nodes', '-subj', '/CN=server', '-keyout', keyFile, '-out', request);
    const signer = ['-CA', this.certFile, '-CAkey', this.#file('ca.key'), '-CAcreateserial'];
    const rest = ['-days', String(days), '-extfile', extensions, '-out', certFile];
    openssl('x509', '-req', '-in', request, ...signer, ...rest);
    return { key: readFileSync(keyFile, 'utf8'), cert: readFileSync(certFile, 'utf8'), keyFile, certFile };
  }

  /** A certificate that no authority signed. */
  issueSelfSigned(names: string): Identity {
    const [keyFile, certFile] = [this.#file('self.key'), this.#file('self.pem')];
    const subject = ['-subj', '/CN=server', '-addext', `subjectAltName=${names}`];
    openssl('req', '-x509', ...EC_KEY, '-nodes', ...subject, '-keyout', keyFile, '-out', certFile);
    return { key: readFileSync(keyFile, 'utf8'), cert: readFileSync(certFile, 'utf8'), keyFile, certFile };
  }

  /** Writes a file beside the certificates. @returns Its path. */
  writeFile(name: string, text: string): string {
    writeFileSync(this.#file(name), text);
    return this.#file(name);
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true });
  }

  #file(name: string): string {
    return join(this.#directory, name);
  }
}

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
