import { accessSync, constants, statSync } from 'node:fs';
import type { Static } from 'typebox';
import type { ProblemList } from './problem-list.js';
import type { TesterAttributes } from './schema.js';
import type { Element } from './xml.js';

const PROGRAMS = ['notify_up', 'notify_down', 'real_notify_up', 'real_notify_down'] as const;
const THRESHOLDS = ['notify_min_reals', 'notify_min_weight'] as const;

/**
 * Warns of notifications that never come: a program cannot be run as things are, or there is no threshold, and a
 * virtual is down by its thresholds only.
 */
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
  for (const name of PROGRAMS) {
    const fault = findProgramFault(values[name]);
    if (fault) warn(name, fault);
  }
  const hasThreshold = THRESHOLDS.some((name) => values[name] !== undefined);
  if (!hasThreshold) warn('notify_down', `never runs without ${THRESHOLDS.join(' or ')}`);
  if (values.notify_up !== undefined || values.notify_down !== undefined) return;
  for (const name of THRESHOLDS) warn(name, 'has no effect without notify_up or notify_down');
}

/** A program without a directory is looked for along PATH, when it is due. */
function findProgramFault(program: string | undefined): string | undefined {
  if (!program?.includes('/')) return undefined;
  try {
    accessSync(program, constants.X_OK);
    return statSync(program).isFile() ? undefined : `${program} is no program`;
  } catch (error) {
    return `${program} cannot be run: ${(error as NodeJS.ErrnoException).code}`;
  }
}
