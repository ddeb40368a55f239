/**
 * The peer of the CPU comparison over TLS: the same tests as surealived's, made with tls.connect the way one would write
 * them.
 *
 * Arguments: tester (tls or https), number of reals, port, loop delay in milliseconds, and `shared` for one secure context
 * for all connections instead of the default, which makes one for each. Prints the number of tests that succeeded and that
 * failed so far for each line on standard input.
 *
 * @module
 */
import { createInterface } from 'node:readline';
import { connect, createSecureContext } from 'node:tls';

const [tester = 'tls', reals = '1', port = '443', loopDelay = '1000', context = ''] = process.argv.slice(2);
const TIMEOUT_MS = 5000;
const REQUEST = 'GET / HTTP/1.0\r\nHost: bench\r\nUser-Agent: SureAliveD\r\n\r\n';
const shared = context === 'shared' ? { secureContext: createSecureContext() } : {};
let successes = 0;
let failures = 0;

for (let i = 0; i < Number(reals); i++) {
  const host = `127.1.${i >> 8}.${i & 255}`;
  setTimeout(() => test(host), (i / Number(reals)) * Number(loopDelay));
}

function test(host: string): void {
  // the certificate is not looked at, as with tls_verify="0"
  const options = { host, port: Number(port), servername: 'bench', rejectUnauthorized: false, ...shared };
  const socket = connect(options);
  let status = '';
  const deadline = setTimeout(() => finish(false), TIMEOUT_MS);
  const finish = (isUp: boolean): void => {
    clearTimeout(deadline);
    socket.removeAllListeners();
    socket.on('error', () => undefined);
    socket.destroy(); // a TLS socket cannot be reset
    if (isUp) successes++;
    else failures++;
    setTimeout(() => test(host), Number(loopDelay));
  };
  socket.once('error', () => finish(false));
  socket.once('secureConnect', () => {
    if (tester === 'tls') finish(true);
    else socket.write(REQUEST);
  });
  if (tester === 'tls') return;
  socket.on('data', (chunk: Buffer) => {
    if (status.length < 12) status += chunk.toString('latin1', 0, 12);
  });
  socket.once('end', () => finish(status.slice(9, 12) === '200'));
}

createInterface({ input: process.stdin }).on('line', () => {
  process.stdout.write(`${successes} ${failures}\n`);
});
