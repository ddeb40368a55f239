/**
 * A server that misbehaves, as a process of its own: `node hostile-server.js BEHAVIOUR`. Prints its port.
 *
 * @module
 */
import { createSocket } from 'node:dgram';
import { type AddressInfo, createServer, type Socket } from 'node:net';

const GIGABYTE = 1 << 30;
const PIECE = Buffer.alloc(1 << 20, 'A');

/** What is done with each connection. Where it looks healthy for a while, it looks like all protocols at once cannot. */
const STREAM_BEHAVIOURS: Readonly<Record<string, (socket: Socket) => void>> = {
  resets: (socket) => void socket.resetAndDestroy(),
  resetsWhenAsked: (socket) => void socket.once('data', () => socket.resetAndDestroy()),
  hangs: () => undefined,
  drips: (socket) => drip(socket, 'HTTP/1.1 200 OK\r\n\r\n'),
  dripsGreeting: (socket) => drip(socket, '220 SSH-2.0-drip\r\n'),
  closesAtOnce: (socket) => void socket.end(),
  closesHalfWay: (socket) => void socket.end('HTTP/1.1 2'),
  closesInGreeting: (socket) => void socket.end('220-SSH-2.'),
  garbage: (socket) =>
    void socket.end(Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 197 + 89) & 255))),
  floods: (socket) => flood(socket, ''),
  floodsAfterStatus: (socket) => flood(socket, 'HTTP/1.1 200 OK\r\n\r\n'),
  otherAnswer: (socket) => void socket.end('HTTP/1.1 404 Not Found\r\n\r\n'),
};

function drip(socket: Socket, text: string): void {
  let sent = 0;
  const timer = setInterval(() => {
    if (sent < text.length) socket.write(text.charAt(sent++));
  }, 1000);
  socket.on('close', () => clearInterval(timer));
}

function flood(socket: Socket, head: string): void {
  let left = GIGABYTE;
  socket.write(head);
  const pour = (): void => {
    while (left > 0 && !socket.destroyed) {
      left -= PIECE.length;
      if (!socket.write(PIECE)) return;
    }
    socket.end();
  };
  socket.on('drain', pour);
  pour();
}

/** What is done with each datagram. */
const DATAGRAM_BEHAVIOURS: Readonly<Record<string, (request: Buffer) => readonly Buffer[]>> = {
  udpHangs: () => [],
  udpGarbage: () => [Buffer.from('no dns at all'), Buffer.alloc(0), Buffer.alloc(4096, 0xc0)],
  /** A sound answer with one record, to a question that was not asked. */
  udpOtherQuestion: (request) => [answerTo(request, (question) => question.fill('x'.charCodeAt(0), 1, 3))],
  udpOtherId: (request) => [answerTo(request, () => undefined, 1)],
};

/** @param change May change the question in place. */
function answerTo(request: Buffer, change: (question: Buffer) => void, idStep = 0): Buffer {
  const header = Buffer.from(request.subarray(0, 12));
  header.writeUInt16BE((header.readUInt16BE(0) + idStep) & 0xffff, 0);
  header.writeUInt16BE(0x8180, 2);
  header.writeUInt16BE(1, 6);
  const question = Buffer.from(request.subarray(12));
  change(question);
  const record = Buffer.from('c00c0001000100000000000400000000', 'hex');
  return Buffer.concat([header, question, record]);
}

function say(address: AddressInfo): void {
  process.stdout.write(`port ${address.port}\n`);
}

const [behaviour = ''] = process.argv.slice(2);
const serve = STREAM_BEHAVIOURS[behaviour];
const reply = DATAGRAM_BEHAVIOURS[behaviour];
if (serve) {
  const server = createServer((socket) => {
    socket.on('error', () => undefined); // tests end by a reset
    serve(socket);
  });
  server.listen(0, '127.0.0.1', () => say(server.address() as AddressInfo));
} else if (reply) {
  const socket = createSocket('udp4', (request, from) => {
    for (const datagram of reply(request)) socket.send(datagram, from.port, from.address);
  });
  socket.bind(0, '127.0.0.1', () => say(socket.address()));
} else {
  process.stderr.write(`no behaviour "${behaviour}"\n`);
  process.exitCode = 2;
}
