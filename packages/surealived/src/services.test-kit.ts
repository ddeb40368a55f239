import { Writable } from 'node:stream';
import { type Address, parseAddress } from '@surealived/shared/address';
import { createLogger, type Logger } from '@surealived/shared/log';
import { IPIP } from '@surealived/shared/model';
import tcp from '@surealived/testers/testers/tcp';
import type { NotifyConfig, RealConfig, TestingConfig, VirtualConfig } from './config/model.js';

export function at(text: string): Address {
  const address = parseAddress(text);
  if (!address) throw new Error(`not an address: ${text}`);
  return address;
}

export function realConfig(name: string, own: Partial<RealConfig> = {}): RealConfig {
  return {
    name,
    address: at('10.0.0.11'),
    port: 80,
    weight: 10,
    upperThreshold: 0,
    lowerThreshold: 0,
    forwarding: 'dr',
    tunnel: IPIP,
    testPort: 80,
    bindAddress: undefined,
    sentinel: false,
    tls: undefined,
    attributes: {},
    ...own,
  };
}

const NO_NOTIFICATION: NotifyConfig = {
  up: undefined,
  down: undefined,
  minReals: undefined,
  minWeight: undefined,
  realUp: undefined,
  realDown: undefined,
};

export function virtualConfig(
  reals: readonly RealConfig[],
  testing: Partial<TestingConfig> = {},
  own: Partial<VirtualConfig> = {},
): VirtualConfig {
  return {
    name: 'web',
    protocol: 'tcp',
    address: at('192.168.0.1'),
    port: 80,
    fwmark: 0,
    forwarding: 'dr',
    scheduler: 'wrr',
    schedulerFlags: [],
    persistenceSec: 0,
    persistencePrefix: own.address?.family === 6 ? 128 : 32,
    persistenceEngine: '',
    onePacket: false,
    drainTimeoutSec: 0,
    slowStartMs: 0,
    minOnline: { value: 0, isPercent: false },
    reals,
    testing: {
      tester: tcp,
      loopDelayMs: 1000,
      fastDelayMs: testing.loopDelayMs ?? 1000,
      downDelayMs: testing.loopDelayMs ?? 1000,
      jitterPercent: 0,
      timeoutMs: 1000,
      removeOnFail: false,
      thresholds: { rise: 1, fall: 1 },
      debugComm: false,
      logMicro: false,
      statsSamples: 20,
      notify: NO_NOTIFICATION,
      ...testing,
    },
    ...own,
  };
}

/** A log whose entries a test can look at, and wait for. */
export function recordingLog(): { log: Logger; entries: Record<string, unknown>[]; stream: Writable } {
  const entries: Record<string, unknown>[] = [];
  const stream = new Writable({
    write(line, _encoding, done) {
      entries.push(JSON.parse(String(line)));
      stream.emit('entry');
      done();
    },
  });
  return {
    log: createLogger('surealived', { level: 'debug', format: 'json', sink: stream }),
    entries,
    stream,
  };
}
