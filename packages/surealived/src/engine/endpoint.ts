import { type Address, unspecifiedAddress } from '@surealived/shared/address';
import { addressFamily, encodeSockaddr } from '@surealived/shared/libc';

/** Where a socket goes to. Kept as numbers: for 100,000 reals, a buffer each would take more than all else about their tests. */
export interface Endpoint {
  /** AF_INET or AF_INET6. */
  readonly domain: number;
  /** As connect(2) wants it; valid until the next endpoint is encoded. */
  encode(): Buffer;
}

/** Of sockaddr_in and sockaddr_in6. */
const PORT = 2;
const IPV4_ADDRESS = 4;
const IPV6_ADDRESS = 8;
const WORD_BYTES = 4;

const ipv4Sockaddr = encodeSockaddr(unspecifiedAddress(4), 0);
const ipv6Sockaddr = encodeSockaddr(unspecifiedAddress(6), 0);

export function endpointOf({ family, bytes }: Address, port: number): Endpoint {
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return family === 4 ? new Ipv4Endpoint(words, port) : new Ipv6Endpoint(words, port);
}

class Ipv4Endpoint implements Endpoint {
  readonly #word: number;
  readonly #port: number;

  constructor(words: DataView, port: number) {
    this.#word = words.getInt32(0);
    this.#port = port;
  }

  get domain(): number {
    return addressFamily(4);
  }

  encode(): Buffer {
    ipv4Sockaddr.writeUInt16BE(this.#port, PORT);
    ipv4Sockaddr.writeInt32BE(this.#word, IPV4_ADDRESS);
    return ipv4Sockaddr;
  }
}

class Ipv6Endpoint implements Endpoint {
  readonly #first: number;
  readonly #second: number;
  readonly #third: number;
  readonly #fourth: number;
  readonly #port: number;

  constructor(words: DataView, port: number) {
    this.#first = words.getInt32(0);
    this.#second = words.getInt32(WORD_BYTES);
    this.#third = words.getInt32(2 * WORD_BYTES);
    this.#fourth = words.getInt32(3 * WORD_BYTES);
    this.#port = port;
  }

  get domain(): number {
    return addressFamily(6);
  }

  encode(): Buffer {
    ipv6Sockaddr.writeUInt16BE(this.#port, PORT);
    ipv6Sockaddr.writeInt32BE(this.#first, IPV6_ADDRESS);
    ipv6Sockaddr.writeInt32BE(this.#second, IPV6_ADDRESS + WORD_BYTES);
    ipv6Sockaddr.writeInt32BE(this.#third, IPV6_ADDRESS + 2 * WORD_BYTES);
    ipv6Sockaddr.writeInt32BE(this.#fourth, IPV6_ADDRESS + 3 * WORD_BYTES);
    return ipv6Sockaddr;
  }
}

const sources = new Map<string, Buffer>();

/** A source address as bind(2) wants it, with any port. Made once for each: a machine has few. */
export function sourceSockaddr(address: Address): Buffer {
  const known = sources.get(address.text) ?? encodeSockaddr(address, 0);
  sources.set(address.text, known);
  return known;
}
