import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LabProcess } from './lab-process.js';
import type { Namespace } from './namespace.js';

const START_TIMEOUT_MS = 10_000;

export interface WebOptions {
  /** Tells it from others of its namespace; by default the name of the namespace. */
  readonly name?: string;
  /** The only one that it listens on, instead of all; IPv4. */
  readonly address?: string;
  /** The answer to every request; by default the name. */
  readonly body?: string;
  readonly ports?: readonly number[];
  /** More directives for the server block, such as `location = /health { return 503; }`. */
  readonly directives?: string;
}

/** An nginx on all addresses of a namespace, IPv4 and IPv6, that says who it is. */
export class WebServer {
  readonly #namespace: Namespace;
  readonly #directory: string;
  #nginx: LabProcess | undefined;

  private constructor(namespace: Namespace, directory: string) {
    this.#namespace = namespace;
    this.#directory = directory;
  }

  /** @param scratchDir Where configuration and access log go, in a folder of their own. */
  static async start(namespace: Namespace, scratchDir: string, options: WebOptions = {}): Promise<WebServer> {
    const { name = namespace.name } = options;
    const directory = join(scratchDir, `nginx-${name}`);
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'nginx.conf'), configuration(name, options));
    const server = new WebServer(namespace, directory);
    await server.start();
    return server;
  }

  /** Starts again after `stop`; returns when the ports accept connections. */
  async start(): Promise<void> {
    const argv = ['nginx', '-p', this.#directory, '-c', 'nginx.conf', '-e', 'stderr'];
    this.#nginx = await this.#namespace.spawn(argv);
    // nginx names its event method after it has opened all ports, in a notice
    await this.#nginx.waitForLine(/using the ".*" event method/, START_TIMEOUT_MS);
  }

  /** Ends the server; from then on its ports refuse connections. */
  async stop(): Promise<void> {
    await this.#nginx?.stop();
  }

  /** Ends it as a crash would. It is about to die when this returns, and may be started again then. */
  kill(): void {
    this.#nginx?.signal('SIGKILL');
  }

  /** Freezes the server: connections are still accepted, by the kernel, but nothing answers. */
  pause(): void {
    this.#nginx?.signal('SIGSTOP');
  }

  resume(): void {
    this.#nginx?.signal('SIGCONT');
  }

  /** When requests have been answered so far, by the wall clock. */
  requestTimesMs(): readonly number[] {
    const log = readFileSync(join(this.#directory, 'access.log'), 'utf8');
    return [...log.matchAll(/^[\d.]+/gm)].map(([seconds]) => Math.round(Number(seconds) * 1000));
  }
}

/**
 * A single process, so that signals reach the one that serves, and a fork is saved.
 *
 * `/line?n=N` is for `LineConnection`: the answer tells server, connection, and how many requests that had.
 */
function configuration(
  name: string,
  { body = name, address, ports = [80], directives = '' }: WebOptions,
): string {
  const everywhere = (port: number): string => `listen ${port}; listen [::]:${port} ipv6only=on;`;
  const listen = ports
    .map((port) => (address === undefined ? everywhere(port) : `listen ${address}:${port};`))
    .join(' ');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `daemon off;
master_process off;
pid nginx.pid;
error_log stderr notice;
events { worker_connections 256; }
http {
  ${temporary.map((kind) => `${kind}_temp_path temp-${kind};`).join(' ')}
  log_format lab '$msec $remote_addr $server_port "$request" $status';
  access_log access.log lab;
  default_type text/plain;
  server {
    ${listen}
    ${directives}
    keepalive_timeout 1h;
    keepalive_requests 1000000;
    location = /line {
      access_log off;
      return 200 "${name} $connection $connection_requests $arg_n\\n";
    }
    location / { return 200 "${body}\\n"; }
  }
}
`;
}
