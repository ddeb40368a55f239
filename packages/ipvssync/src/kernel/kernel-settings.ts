import { errnoName } from '@surealived/shared/libc';
import type { OperationResult } from '../ipvs/operation-result.js';
import type { Settings, SettingsChange, SettingsStore, Timeouts } from '../ipvs/settings.js';
import { KernelProtocolError } from '../wire/errors.js';
import { findGenlAttribute, type NetlinkMessage } from '../wire/genl.js';
import {
  daemonsRequest,
  IPVS_CMD_ATTR_DAEMON,
  readDaemon,
  readTimeouts,
  settingsRequest,
  timeoutsRequest,
} from '../wire/ipvs-settings.js';
import type { GenlClient } from './genl-client.js';

/**
 * Goes behind each change to have an answer for certain: one that stops a daemon before it ever ran ends with EINTR,
 * which netlink takes for a request that is to be repeated, and does not answer. It was carried out.
 */
const NO_CHANGE: SettingsChange = {
  kind: 'setTimeouts',
  timeouts: { tcpSec: 0, tcpFinSec: 0, udpSec: 0 },
  before: { tcpSec: 0, tcpFinSec: 0, udpSec: 0 },
};

/** The settings of the network namespace that the client's socket belongs to. */
export class KernelSettings implements SettingsStore {
  readonly #client: GenlClient;
  readonly #family: number;

  constructor(client: GenlClient, family: number) {
    this.#client = client;
    this.#family = family;
  }

  async read(): Promise<Settings> {
    return {
      timeouts: this.#readTimeouts(),
      daemons: this.#client.dump(daemonsRequest(this.#family), readDaemonObject, 'list sync daemons'),
    };
  }

  async apply(change: SettingsChange): Promise<OperationResult> {
    const toRequest = (item: SettingsChange) => settingsRequest(this.#family, item);
    const [errno = 0] = this.#client.batch([change, NO_CHANGE], toRequest, 'change a setting');
    return errno === 0 ? { ok: true } : { ok: false, errno: errnoName(errno) };
  }

  #readTimeouts(): Timeouts {
    const attempt = 'read the timeouts';
    const [timeouts] = this.#client.request(timeoutsRequest(this.#family), readTimeouts, attempt);
    if (!timeouts) throw new KernelProtocolError(`${attempt}: no answer`);
    return timeouts;
  }
}

function readDaemonObject(object: NetlinkMessage): ReturnType<typeof readDaemon> {
  const attr = findGenlAttribute(object, IPVS_CMD_ATTR_DAEMON);
  if (attr) return readDaemon(attr);
  throw new KernelProtocolError('an answer of IPVS has no sync daemon');
}
