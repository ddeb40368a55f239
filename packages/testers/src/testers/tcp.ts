import { defineStreamTester, up } from '../tester.js';
import Type from '../type.js';

const CONNECTED = up('connected');

/** The engine only begins a probe on an established connection, so there is nothing left to ask. */
export default defineStreamTester({
  name: 'tcp',
  description: 'Succeeds when the connection is established.',
  shareable: true,
  attributes: Type.Object({}),
  // biome-ignore lint/correctness/useYield: the connection alone is the test
  *probe() {
    return CONNECTED;
  },
});
