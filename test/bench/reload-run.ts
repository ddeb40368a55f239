/**
 * A tester in this process that is told to reload, with one weight changed each time.
 *
 * Arguments: number of reals, loop delay in seconds, port of the server, milliseconds to wait before. For each line on
 * standard input it reloads and prints what that did to the event loop, as JSON; for `idle` what a second without a reload
 * does. Ends with its input.
 *
 * @module
 */
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { createLogger } from '@surealived/shared/log';
import { loadSources } from 'surealived/config/sources';
import { Daemon } from 'surealived/daemon';
import { HandoverDirectory } from '../daemons/handover-directory.js';
import { servicesXml } from './load.js';
import { measureBlocks } from './loop-blocks.js';

const [reals = 1, loopDelaySec = 1, port = 80, waitMs = 0] = process.argv.slice(2).map(Number);
using directory = new HandoverDirectory({
  maxfd: 32_768,
  logging: 'error',
  startup_delay_ms: loopDelaySec * 1000,
});
const servicesFile = directory.writeServices(withLastWeight(10));
const sources = { configFile: directory.config, servicesFile, strict: false };
const { config, services } = await loadSources(sources);
const log = createLogger('surealived', { level: 'error' });
const daemon = new Daemon({
  config,
  virtuals: services.virtuals,
  sources,
  log,
  verbosity: 0,
  noSync: false,
  noDumpFile: false,
});
await daemon.start();
await delay(waitMs);
let weight = 10;
for await (const line of createInterface({ input: process.stdin })) {
  if (line !== 'idle') directory.writeServices(withLastWeight(++weight));
  const blocks = await measureBlocks(() => (line === 'idle' ? delay(1000) : reload()));
  process.stdout.write(`${JSON.stringify(blocks)}\n`);
}
await daemon.stop();

async function reload(): Promise<void> {
  const { ok, changed, problems } = await daemon.reload();
  if (!ok || changed !== 1) throw new Error(`reload: changed ${changed}, ${problems.join('; ')}`);
}

function withLastWeight(weight: number): string {
  const xml = servicesXml({ tester: 'tcp', reals, loopDelaySec }, port);
  const at = xml.lastIndexOf('weight="10"');
  return `${xml.slice(0, at)}weight="${weight}"${xml.slice(at + 'weight="10"'.length)}`;
}
