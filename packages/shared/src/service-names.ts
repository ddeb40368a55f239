import { formatEndpoint, parseAddress } from './address.js';
import { MAX_FWMARK, MAX_PORT } from './model.js';
import { parseInteger } from './snapshot/fields.js';

/**
 * Reads a service as a configuration names it, `tcp:192.0.2.1:80`, `udp:[2001:db8::1]:53`, `fwmark:7`.
 *
 * @returns The name that an operator sees elsewhere: `tcp 192.0.2.1:80`, `fwmark 7`; `undefined` where it is none.
 */
export function parseServiceName(text: string): string | undefined {
  const [, digits] = /^fwmark:(\d+)$/i.exec(text) ?? [];
  if (digits !== undefined) {
    const fwmark = parseInteger(digits, 1, MAX_FWMARK);
    return fwmark === undefined ? undefined : `fwmark ${fwmark}`;
  }
  const [, protocol = '', inBrackets, plain, portText = ''] =
    /^(tcp|udp|sctp):(?:\[(.*)\]|([^:]*)):(\d+)$/i.exec(text) ?? [];
  const address = parseAddress(inBrackets ?? plain ?? '');
  const port = parseInteger(portText, 0, MAX_PORT);
  if (!address || port === undefined || (address.family === 6) !== (inBrackets !== undefined))
    return undefined;
  return `${protocol.toLowerCase()} ${formatEndpoint(address, port)}`;
}
