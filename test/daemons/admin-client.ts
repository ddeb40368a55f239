import { once } from 'node:events';
import { connect } from 'node:net';

/** The answer to one command of the admin socket, without its end mark. */
export async function askAdmin(port: number, command: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.end(`${command}\n`);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'close');
  return Buffer.concat(chunks)
    .toString()
    .replace(/_SD_CMD_END_\n$/, '');
}
