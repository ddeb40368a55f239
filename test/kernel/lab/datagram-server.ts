/**
 * Answers every datagram with its name: `node datagram-server.js NAME PORTS ADDRESSES`, with commas between several.
 *
 * It is bound to each address alone, since the answer must come from the one that was asked.
 *
 * @module
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

const [name = '', ports = '', addresses = ''] = process.argv.slice(2);
for (const address of addresses.split(',')) {
  for (const port of ports.split(',')) {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    socket.on('message', (_, sender) => socket.send(name, sender.port, sender.address));
    socket.bind(Number(port), address);
    await once(socket, 'listening');
  }
}
process.stdout.write('ready\n');
