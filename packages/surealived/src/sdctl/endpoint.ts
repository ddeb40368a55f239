/**
 * Where surealived listens.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { isUnspecified, parseAddress } from '@surealived/shared/address';
import { SureAliveError } from '@surealived/shared/errors';
import { MAX_PORT } from '@surealived/shared/model';
import { parseInteger } from '@surealived/shared/snapshot/fields';
import { CONFIG_KEYS, DEFAULT_CONFIG_PATH, loadConfig } from '@surealived/shared/surealived-cfg';
import { EXIT, Failure } from './failure.js';

export type Endpoint = { readonly path: string } | { readonly host: string; readonly port: number };

/** What the command line says about it. */
export interface EndpointOptions {
  readonly config: string;
  /** HOST:PORT */
  readonly address: string | undefined;
  readonly socket: string | undefined;
}

/** @returns Endpoints to try, in this order. @throws Failure where the options or the configuration are no good. */
export function findEndpoints({ config, address, socket }: EndpointOptions): readonly Endpoint[] {
  if (socket !== undefined) return [{ path: socket }];
  if (address !== undefined) return [parseEndpoint(address)];
  // without a configuration there is still the place where it listens by default
  if (config === DEFAULT_CONFIG_PATH && !existsSync(config)) {
    return [{ host: CONFIG_KEYS.listen_addr.default, port: CONFIG_KEYS.listen_port.default }];
  }
  return configuredEndpoints(config);
}

function configuredEndpoints(file: string): readonly Endpoint[] {
  try {
    const { listen_socket, listen_addr, listen_port } = loadConfig(file).config;
    const paths = listen_socket === '' ? [] : [{ path: listen_socket }];
    // port 0 is any: the configuration does not tell
    const ports = listen_port === 0 ? [] : [{ host: reachable(listen_addr), port: listen_port }];
    const endpoints = [...paths, ...ports];
    if (endpoints.length > 0) return endpoints;
  } catch (error) {
    if (!(error instanceof SureAliveError)) throw error;
    throw new Failure(
      EXIT.usage,
      `${error.message}\n--address HOST:PORT or --socket PATH goes without the configuration`,
    );
  }
  throw new Failure(EXIT.usage, `${file} lets the port be any: give --address HOST:PORT`);
}

/** Who listens on all addresses is reached on loopback. */
function reachable(listenAddress: string): string {
  const address = parseAddress(listenAddress);
  if (!address || !isUnspecified(address)) return listenAddress;
  return address.family === 4 ? '127.0.0.1' : '::1';
}

function parseEndpoint(text: string): Endpoint {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = parseInteger(digits ?? '', 1, MAX_PORT);
  if (host === undefined || port === undefined)
    throw new Failure(EXIT.usage, `expected HOST:PORT, got "${text}"`);
  return { host, port };
}

export function describeEndpoint(endpoint: Endpoint): string {
  if ('path' in endpoint) return endpoint.path;
  const { host, port } = endpoint;
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
