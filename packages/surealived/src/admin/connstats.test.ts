import { expect, it } from 'vitest';
import type { Virtual } from '../state.js';
import { ConnectionStatistics } from '../statistics/connection-statistics.js';
import { reportConnections } from './connstats-report.js';
import { commandContext, someVirtuals, UP, WALL_NOW } from './context.test-kit.js';

it('answers with the report, or that nothing is gathered', async () => {
  const virtuals = someVirtuals();
  const statistics = new ConnectionStatistics(() => WALL_NOW);
  const { ask } = commandContext(virtuals, { connections: () => statistics });
  expect(await ask('connstats')).toEqual([...reportConnections(virtuals, statistics)]);
  expect(await commandContext(virtuals).ask('connstats')).toEqual([
    ...reportConnections(virtuals, undefined),
  ]);
});

it('is a document, too', async () => {
  const virtuals = someVirtuals();
  const statistics = new ConnectionStatistics(() => WALL_NOW);
  const web = virtuals[0] as Virtual;
  statistics.onTested(web, web.reals[0] as Virtual['reals'][0], { ...UP, connectMs: 0.5, totalMs: 2 });
  const { askDocument } = commandContext(virtuals, { connections: () => statistics });
  const document = await askDocument('connstats');
  expect(document).toMatchObject({ version: 1, isGathered: true });
  const times = { connect: 500, response: 1500, total: 2000 };
  const problems = { silent: 0, unreachable: 0, refused: 0 };
  expect(document.virtuals[0]).toMatchObject({ name: 'web', samples: 20, rounds: 0, problems });
  expect(document.virtuals[0].reals[0]).toEqual({
    name: 'w1',
    addr: '10.0.0.11',
    port: 80,
    tests: 1,
    lastUs: times,
    averageUs: times,
    overallUs: times,
    problems,
  });
  expect(await commandContext(virtuals).askDocument('connstats')).toEqual({
    version: 1,
    isGathered: false,
    virtuals: [],
  });
});
