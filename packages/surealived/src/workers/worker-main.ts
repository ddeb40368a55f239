/**
 * The thread of a worker.
 *
 * @module
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { ToWorker, WorkerStart } from './messages.js';
import { WorkerTester } from './worker-tester.js';

if (!parentPort) throw new Error('this is for a thread of surealived');
const port = parentPort;
const start = workerData as WorkerStart;
const tester = new WorkerTester(
  start,
  (message, transferred) => port.postMessage(message, transferred && [transferred]),
  () => process.exit(), // of this thread: a module may have something going that would keep it
);
// however it ends: a thread that is torn down with an epoll still watched takes the process with it
process.once('exit', () => {
  tester.close();
  Atomics.store(start.hasEnded, 0, 1);
  Atomics.notify(start.hasEnded, 0);
});
port.on('message', (message: ToWorker) => tester.handle(message));
