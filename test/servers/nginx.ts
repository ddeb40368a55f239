import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { endWithUs } from './end-with-us.js';

const START_TIMEOUT_MS = 10_000;

/** An nginx in the foreground, with all of its files in a directory of its own; gone with its end. */
export interface Nginx extends AsyncDisposable {
  readonly version: string;
}

export interface NginxOptions {
  /** A port that it accepts connections on, of 127.0.0.1, once it has started. */
  readonly port: number;
  /** The `server` blocks of its configuration. May write files that they name into the directory. */
  readonly servers: (directory: string) => string;
}

/** The version line of nginx, or `undefined` where it is not installed. */
export function nginxVersion(): string | undefined {
  const { error, stderr } = spawnSync('nginx', ['-v'], { encoding: 'utf8' });
  return error ? undefined : stderr.trim().replace('nginx version: ', '');
}

/** Starts nginx with one worker. */
export async function startNginx({ port, servers }: NginxOptions): Promise<Nginx> {
  const directory = mkdtempSync(join(tmpdir(), 'test-nginx-'));
  writeFileSync(join(directory, 'nginx.conf'), configuration(servers(directory)));
  const child = spawn('nginx', ['-p', directory, '-c', 'nginx.conf', '-e', 'stderr', '-g', 'daemon off;'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  endWithUs(child);
  await accepting(port, child);
  return {
    version: nginxVersion() ?? 'unknown',
    [Symbol.asyncDispose]: async () => {
      const exited = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await exited;
      rmSync(directory, { recursive: true });
    },
  };
}

function configuration(servers: string): string {
  return `
user root;
worker_processes 1;
worker_rlimit_nofile 20000;
pid nginx.pid;
events { worker_connections 16384; }
http {
  access_log off;
  client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
  ${servers}
}
`;
}

/** There is no event for "a foreign process accepts", so it is asked until it does. */
async function accepting(port: number, child: ChildProcess): Promise<void> {
  const giveUpAtMs = performance.now() + START_TIMEOUT_MS;
  while (!(await canConnect(port))) {
    if (child.exitCode !== null || performance.now() > giveUpAtMs) throw new Error('nginx did not start');
    await delay(20);
  }
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
