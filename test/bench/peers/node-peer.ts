/**
 * The peers of the CPU comparison: the same tests as surealived's, made with node:net, node:tls and node:dgram the way one
 * would write them.
 *
 * Arguments: tester (tcp, http, https or dns), number of reals, port, loop delay in milliseconds, and `shared` for one
 * secure context for all connections instead of the default, which makes one for each. Prints the number of tests that
 * succeeded and that failed so far for each line on standard input.
 *
 * @module
 */
import { createSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { createSecureContext, connect as tlsConnect } from 'node:tls';
import { addressOf, DNS_NAME, type Load } from '../load.js';

const [tester = 'tcp', reals = '1', port = '80', loopDelay = '1000', context = ''] = process.argv.slice(2);
const TIMEOUT_MS = 5000;
const REQUEST = 'GET / HTTP/1.0\r\nHost: bench\r\nUser-Agent: SureAliveD\r\n\r\n';
const STATUS_BYTES = 12; // "HTTP/1.x NNN"
const shared = context === 'shared' ? { secureContext: createSecureContext() } : {};
let successes = 0;
let failures = 0;

const test = tester === 'dns' ? testDns : testStream;
for (let i = 0; i < Number(reals); i++) {
  const host = addressOf(tester as Load['tester'], i);
  const run = (): void =>
    test(host, (isUp) => {
      if (isUp) successes++;
      else failures++;
      setTimeout(run, Number(loopDelay));
    });
  setTimeout(run, (i / Number(reals)) * Number(loopDelay));
}

function testStream(host: string, onEnd: (isUp: boolean) => void): void {
  const isTls = tester === 'https';
  const socket = isTls ? connectTls(host) : connect({ host, port: Number(port) });
  let status = '';
  const deadline = setTimeout(() => finish(false), TIMEOUT_MS);
  const finish = (isUp: boolean): void => {
    clearTimeout(deadline);
    socket.removeAllListeners();
    socket.on('error', () => undefined);
    if (isTls)
      socket.destroy(); // a TLS socket cannot be reset
    else socket.resetAndDestroy();
    onEnd(isUp);
  };
  socket.once('error', () => finish(false));
  socket.once(isTls ? 'secureConnect' : 'connect', () => {
    if (tester === 'tcp') finish(true);
    else socket.write(REQUEST);
  });
  if (tester === 'tcp') return;
  socket.on('data', (chunk: Buffer) => {
    if (status.length < STATUS_BYTES) status += chunk.toString('latin1', 0, STATUS_BYTES);
  });
  socket.once('end', () => finish(status.slice(9, 12) === '200'));
}

/** The certificate is not looked at, as with `tls_verify="0"`. */
function connectTls(host: string): Socket {
  return tlsConnect({ host, port: Number(port), rejectUnauthorized: false, ...shared });
}

function testDns(host: string, onEnd: (isUp: boolean) => void): void {
  const id = Math.floor(Math.random() * 0x10000);
  const socket = createSocket('udp4');
  const deadline = setTimeout(() => finish(false), TIMEOUT_MS);
  const finish = (isUp: boolean): void => {
    clearTimeout(deadline);
    socket.removeAllListeners();
    socket.close();
    onEnd(isUp);
  };
  socket.once('error', () => finish(false));
  // an answer without an error, and with a record
  socket.on('message', (answer: Buffer) => {
    if (answer.length < 12 || answer.readUInt16BE(0) !== id) return;
    finish((answer.readUInt8(3) & 15) === 0 && answer.readUInt16BE(6) > 0);
  });
  socket.connect(Number(port), host, () => socket.send(dnsQuestion(id)));
}

function dnsQuestion(id: number): Buffer {
  const [SOA, IN] = [6, 1];
  const labels = DNS_NAME.split('.').map((label) =>
    Buffer.from(`${String.fromCharCode(label.length)}${label}`),
  );
  const header = Buffer.from([id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  return Buffer.concat([header, ...labels, Buffer.from([0, 0, SOA, 0, IN])]);
}

createInterface({ input: process.stdin }).on('line', () => {
  process.stdout.write(`${successes} ${failures}\n`);
});
