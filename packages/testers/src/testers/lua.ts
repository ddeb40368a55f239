import { resolve } from 'node:path';
import { messageOf } from '@surealived/shared/errors';
import { type Chunk, loadChunk } from '../lua/chunk.js';
import { MAX_STRING_BYTES } from '../lua/fengari.js';
import { oneLine, Script, ScriptFault, type Value } from '../lua/script.js';
import { read, readUpTo, write } from '../requests.js';
import { defineStreamTester, down, ObstacleError, type StreamProbe, type Target, up } from '../tester.js';
import Type from '../type.js';

export default defineStreamTester({
  name: 'lua',
  description: 'Lets a Lua script hold the conversation.',
  attributes: Type.Object({
    script: Type.String({
      minLength: 1,
      expected: 'the path of a Lua script',
      description: 'Path of the script; a relative one is taken from the working directory.',
    }),
    params: Type.String({ default: '', description: 'First argument of the `prepare` in the script.' }),
  }),
  findFault({ script }) {
    try {
      loadChunk(resolve(script));
      return undefined;
    } catch (error) {
      return { attribute: 'script', message: messageOf(error) };
    }
  },
  *probe(target, { script, params }) {
    const run = new Script(load(script));
    if (run.has('prepare')) run.call('prepare', [Buffer.from(params), ...describeTarget(target)]);
    if (!run.has('process_event')) run.complain('has no function process_event');
    try {
      return yield* converse(run);
    } catch (error) {
      // a script that trips over an answer is how many of them say that the answer is wrong
      if (error instanceof ScriptFault) return down('protocol', error.message);
      throw error;
    }
  },
});

/** @throws ObstacleError when the script is not what it was when the configuration was loaded. */
function load(script: string): Chunk {
  try {
    return loadChunk(resolve(script));
  } catch (error) {
    throw new ObstacleError(messageOf(error), { cause: error });
  }
}

/** Names, addresses and the protocol are strings; ports and the mark are numbers. */
function describeTarget({ virtual, real, port }: Target): readonly Value[] {
  const of = ({ name, address }: { name: string; address: { text: string } }) =>
    [name, address.text].map((text) => Buffer.from(text));
  return [
    ...of(virtual),
    virtual.port,
    Buffer.from(virtual.protocol),
    virtual.fwmark,
    ...of(real),
    real.port,
    port,
  ];
}

/** Does what the script says, until it says how the test ended. */
function* converse(run: Script): StreamProbe {
  let hasEnded = false;
  for (let text: Buffer = Buffer.alloc(0); ; ) {
    const [operation = '', count = 0, data = ''] = run.call('process_event', [text]);
    const said = String(operation);
    switch (said) {
      case 'w':
        text = yield* write(typeof data === 'number' ? String(data) : data);
        break;
      case 'r':
      case 'rav': {
        if (hasEnded) return down('protocol', 'the server closed the connection, and the script reads on');
        const bytes = requireCount(run, said, Number(count));
        text = yield* said === 'r' ? read(bytes) : readUpTo(bytes);
        hasEnded = text.length === 0 || (said === 'r' && text.length < bytes);
        break;
      }
      case 'eok':
        return up(oneLine(String(data)) || 'the script says ok');
      case 'efail':
        return down('content', oneLine(String(data)) || 'the script says fail');
      default:
        run.complain(`process_event returned ${JSON.stringify(said)}, expected w, r, rav, eok or efail`);
    }
  }
}

/** How many bytes a read asks for. The most that is there may be any number; an exact one has to fit into a string. */
function requireCount(run: Script, operation: string, count: number): number {
  if (operation === 'rav' && count > MAX_STRING_BYTES) return MAX_STRING_BYTES;
  const bytes = Math.trunc(count);
  if (bytes >= 1 && bytes <= MAX_STRING_BYTES) return bytes;
  return run.complain(`"${operation}" asks for ${count} bytes, expected 1..${MAX_STRING_BYTES}`);
}
