/**
 * What only a real IPVS kernel can show is measured in the lab, both programs of a comparison in one boot.
 *
 * @module
 */
import { missingPeers } from '../kernel/requirements.js';
import { runScenarios } from '../kernel/run-scenarios.js';
import type { Scenario } from '../kernel/scenarios/scenario.js';
import type { Figure } from './report.js';

/** The measurements of scenarios by name; NaN for what was not measured. */
export type Measured = (name: string) => number;

export async function measureInLab(
  scenarios: readonly Scenario[],
  options?: { readonly isSpread: boolean },
): Promise<Measured> {
  const report = await runScenarios(scenarios, options);
  const all: Readonly<Record<string, number>> = Object.assign(
    {},
    ...scenarios.map(({ name }) => report.resultOf(name).measurements),
  );
  return (name) => all[name] ?? Number.NaN;
}

/** One line for each peer that was measured, the first with the goal; or one without any. */
export function besidePeers(figure: Figure, peers: readonly string[], measured: Measured): readonly Figure[] {
  const { goal, ...line } = figure;
  const lines = peers
    .map((name) => ({ name, value: measured(name) }))
    .filter(({ value }) => !Number.isNaN(value))
    .map((peer, i) => ({ ...line, ...(goal && i === 0 && { goal }), peer }));
  return lines.length > 0 ? lines : [figure];
}

/** What a reader has to know of peers that are not there. */
export function noteMissingPeers(): readonly string[] {
  return missingPeers().map((name) => `${name} is not installed, so it was not measured.`);
}
