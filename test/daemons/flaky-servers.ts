import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { CertificateFiles } from '../servers/certificate.js';

/** Something to test that can break and heal. */
export interface FlakyServer {
  /** Where it is tested, once it has begun for the first time. */
  readonly port: number;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** A web server over TLS. */
export class TlsServer implements FlakyServer {
  port = 0;
  readonly #files: CertificateFiles;
  #server: ReturnType<typeof createServer> | undefined;

  constructor(files: CertificateFiles) {
    this.#files = files;
  }

  async start(): Promise<void> {
    const [key, cert] = [this.#files.keyFile, this.#files.certFile].map((file) => readFileSync(file));
    const server = createServer({ key, cert }, (_, response) => response.end('ok\n'));
    for (const event of ['connection', 'secureConnection'])
      server.on(event, (socket) => socket.on('error', () => undefined)); // a tester resets its connections
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  async stop(): Promise<void> {
    if (!this.#server) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    this.#server = undefined;
    await closed;
  }
}

const HEADER_BYTES = 12;
/** A response without error, with one question and one answer. */
const RESPONSE_HEADER = Buffer.from([0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
/** The name asked for, type A, class IN, 60 s, 192.0.2.80. */
const ANSWER = Buffer.from([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 80]);

/** A name server that knows an address for everything. */
export class NameServer implements FlakyServer {
  port = 0;
  #socket: DatagramSocket | undefined;

  async start(): Promise<void> {
    const socket = createSocket('udp4');
    socket.on('message', (query, { port, address }) => {
      const parts = [query.subarray(0, 2), RESPONSE_HEADER, query.subarray(HEADER_BYTES), ANSWER];
      socket.send(Buffer.concat(parts), port, address);
    });
    socket.bind(this.port, '127.0.0.1');
    await once(socket, 'listening');
    this.port = socket.address().port;
    this.#socket = socket;
  }

  async stop(): Promise<void> {
    if (!this.#socket) return;
    const closed = once(this.#socket, 'close');
    this.#socket.close();
    this.#socket = undefined;
    await closed;
  }
}

/** What a program finds well as long as a file is there. */
export class FileCheck implements FlakyServer {
  readonly port = 1;
  readonly program: string;
  readonly #file: string;

  constructor(directory: string) {
    this.#file = join(directory, 'well');
    this.program = join(directory, 'check.sh');
    writeFileSync(this.program, `#!/bin/sh\necho "$1 $2"\n[ -e ${this.#file} ]\n`);
    chmodSync(this.program, 0o755);
  }

  async start(): Promise<void> {
    writeFileSync(this.#file, '');
  }

  async stop(): Promise<void> {
    rmSync(this.#file, { force: true });
  }
}
