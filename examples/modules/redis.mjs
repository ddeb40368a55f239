// A tester of your own: copy this file to modules_path, and proto="redis" is there. It gets all that it needs as an
// argument, so that it may lie anywhere. It must not be writable for everybody.

export default ({ defineStreamTester, Type, write, readUpTo, up, down }) =>
  defineStreamTester({
    name: 'redis',
    description: 'Sends PING to a Redis server, after a login where a password is given.',
    // the answer depends on nothing but where it is asked, and how: virtuals may share it (share_probes)
    shareable: true,
    attributes: Type.Object({
      password: Type.String({ default: '', description: 'Password to log in with; empty for no login.' }),
      expect: Type.String({ default: '+PONG', description: 'Line of the answer that means success.' }),
    }),
    *probe(_target, { password, expect }) {
      if (password !== '') {
        yield* write(command('AUTH', password));
        const answer = yield* readLine(readUpTo);
        if (answer !== '+OK') return down('content', `login: ${answer ?? 'no answer'}`);
      }
      yield* write(command('PING'));
      const answer = yield* readLine(readUpTo);
      if (answer === undefined) return down('protocol', 'no whole line came');
      return answer === expect ? up(answer) : down('content', `expected ${expect}, got ${answer}`);
    },
  });

const MAX_LINE_BYTES = 1024;

/** A request as Redis wants it: the number of its parts, and each with its length before it. */
function command(...parts) {
  const lines = parts.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`);
  return `*${parts.length}\r\n${lines.join('')}`;
}

/** One line without its end; undefined when the server closes, or says too much, before it ends. */
function* readLine(readUpTo) {
  let text = '';
  while (!text.includes('\r\n')) {
    const part = yield* readUpTo(MAX_LINE_BYTES);
    text += part.toString('latin1');
    if (part.length === 0 || text.length > MAX_LINE_BYTES) return undefined;
  }
  return text.slice(0, text.indexOf('\r\n'));
}
