/**
 * The peer of the CPU comparison: the same tests as surealived's, made with node:net the way one would write them.
 *
 * Arguments: tester (tcp or http), number of reals, port, loop delay in milliseconds. Prints the number of tests that
 * succeeded so far for each line on standard input.
 *
 * @module
 */
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

const [tester = 'tcp', reals = '1', port = '80', loopDelay = '1000'] = process.argv.slice(2);
const TIMEOUT_MS = 5000;
const REQUEST = 'GET / HTTP/1.0\r\nHost: bench\r\nUser-Agent: SureAliveD\r\n\r\n';
let successes = 0;
let failures = 0;

for (let i = 0; i < Number(reals); i++) {
  const host = `127.1.${i >> 8}.${i & 255}`;
  setTimeout(() => test(host), (i / Number(reals)) * Number(loopDelay));
}

function test(host: string): void {
  const socket = connect({ host, port: Number(port) });
  let status = '';
  const deadline = setTimeout(() => finish(false), TIMEOUT_MS);
  const finish = (isUp: boolean): void => {
    clearTimeout(deadline);
    socket.removeAllListeners();
    socket.on('error', () => undefined);
    socket.resetAndDestroy();
    if (isUp) successes++;
    else failures++;
    setTimeout(() => test(host), Number(loopDelay));
  };
  socket.once('error', () => finish(false));
  socket.once('connect', () => {
    if (tester === 'tcp') finish(true);
    else socket.write(REQUEST);
  });
  if (tester === 'tcp') return;
  socket.on('data', (chunk: Buffer) => {
    if (status.length < 12) status += chunk.toString('latin1', 0, 12);
  });
  socket.once('end', () => finish(status.slice(9, 12) === '200'));
}

createInterface({ input: process.stdin }).on('line', () => {
  process.stdout.write(`${successes} ${failures}\n`);
});
