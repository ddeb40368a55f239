import { systemClock } from '@surealived/shared/clock';
import { TesterRegistry } from '@surealived/testers/registry';
import { parseServices } from 'surealived/config/load';
import { Engine } from 'surealived/engine/engine';
import type { Outcome } from 'surealived/engine/outcome';
import { prepareTest } from 'surealived/engine/prepare';
import { Reactor } from 'surealived/engine/reactor';
import type { PreparedTest } from 'surealived/engine/test-queue';

/** Where the real is, and what its element says beside its address. */
export interface RealAt {
  readonly port: number;
  /** An address of this machine. */
  readonly address?: string;
  /** Seconds. */
  readonly timeout?: number;
  readonly bindaddr?: string;
}

/**
 * One test of a real by the whole of surealived's engine, configured as an operator would.
 *
 * @param tester The tester's attributes, `proto` among them.
 */
export async function outcomeOf(
  tester: Readonly<Record<string, string>>,
  at: RealAt,
  registry = new TesterRegistry(),
): Promise<Outcome> {
  const test = preparedTest(registry, tester, at);
  const reactor = new Reactor({ clock: systemClock, tickMs: 2, maxEvents: 64 });
  try {
    const engine = new Engine(reactor, { sockets: 10, tasks: 10 });
    return await new Promise((resolve) => engine.run(test, resolve));
  } finally {
    reactor.close();
  }
}

/** The test of a real as an operator would configure it. */
export function preparedTest(
  registry: TesterRegistry,
  tester: Readonly<Record<string, string>>,
  at: RealAt,
): PreparedTest {
  const { virtuals } = parseServices(servicesXml(tester, at), 'services.xml', { registry, strict: true });
  const [virtual] = virtuals;
  const [real] = virtual?.reals ?? [];
  if (!virtual || !real) throw new Error('no real');
  const { tester: found, timeoutMs } = virtual.testing;
  const target = { ...real, port: real.testPort, virtual, real };
  return prepareTest(found, { target, attributes: real.attributes, timeoutMs, tls: real.tls });
}

function servicesXml(tester: Readonly<Record<string, string>>, at: RealAt): string {
  const { port, address = '127.0.0.1', timeout = 10, bindaddr } = at;
  const virtualAddress = address.includes(':') ? '2001:db8::1' : '192.0.2.1';
  const real = { name: 'real', addr: address, port: `${port}`, weight: '1', ...(bindaddr && { bindaddr }) };
  return `
    <surealived>
      <virtual name="virtual" addr="${virtualAddress}" port="1" proto="tcp" sched="rr" rt="masq">
        <tester ${attributes({ testport: `${port}`, timeout: `${timeout}`, ...tester })}/>
        <real ${attributes(real)}/>
      </virtual>
    </surealived>`;
}

function attributes(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(
      ([name, value]) =>
        `${name}="${value.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')}"`,
    )
    .join(' ');
}
