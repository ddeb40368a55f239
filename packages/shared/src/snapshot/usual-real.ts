import { parseAddress } from '../address.js';
import { IPIP, MAX_PORT, MAX_WEIGHT } from '../model.js';
import type { SnapshotReal, SnapshotVirtual } from './format.js';

/** As `formatSnapshot` writes a real that has nothing special. Such a line has no other meaning by the general rules. */
const USUAL_REAL = /real rname=[!-<>-~]{1,127} raddr=[0-9a-fA-F.:]{2,45} rport=\d{1,5} rweight=\d{1,5}\n/y;

/**
 * Reads the line at `start` if it is that of a usual real: nearly all lines of a large snapshot are, and a single regular
 * expression takes a fraction of what asking for one key after the other does. It makes no object but the real.
 *
 * @returns `undefined` for any other line, be it right or wrong.
 */
export function readUsualReal(
  text: string,
  start: number,
  { forwarding }: Pick<SnapshotVirtual, 'forwarding'>,
): SnapshotReal | undefined {
  USUAL_REAL.lastIndex = start;
  if (!USUAL_REAL.test(text)) return undefined;
  const nameAt = start + 'real rname='.length;
  const nameEnd = text.indexOf(' ', nameAt);
  const addressAt = nameEnd + ' raddr='.length;
  const addressEnd = text.indexOf(' ', addressAt);
  const portAt = addressEnd + ' rport='.length;
  const portEnd = text.indexOf(' ', portAt);
  const address = parseAddress(text.slice(addressAt, addressEnd));
  const port = Number(text.slice(portAt, portEnd));
  const weight = Number(text.slice(portEnd + ' rweight='.length, USUAL_REAL.lastIndex - 1));
  if (!address || port > MAX_PORT || weight > MAX_WEIGHT) return undefined;
  const name = text.slice(nameAt, nameEnd);
  return { name, address, port, weight, lowerThreshold: 0, upperThreshold: 0, forwarding, tunnel: IPIP };
}
