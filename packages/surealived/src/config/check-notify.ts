import type { Static } from 'typebox';
import type { ProblemList } from './problem-list.js';
import type { TesterAttributes } from './schema.js';
import type { Element } from './xml.js';

const THRESHOLDS = ['notify_min_reals', 'notify_min_weight'] as const;

/** Warns of notifications that never come: a virtual is down by its thresholds only. */
export function checkNotify(
  element: Element,
  path: string,
  values: Static<typeof TesterAttributes>,
  problems: ProblemList,
): void {
  const warn = (name: string, message: string): void => {
    const attribute = element.attributes.get(name);
    if (attribute) problems.warn(attribute, path, `attribute "${name}": ${message}`);
  };
  const hasThreshold = THRESHOLDS.some((name) => values[name] !== undefined);
  if (!hasThreshold) warn('notify_down', `never runs without ${THRESHOLDS.join(' or ')}`);
  if (values.notify_up !== undefined || values.notify_down !== undefined) return;
  for (const name of THRESHOLDS) warn(name, 'has no effect without notify_up or notify_down');
}
