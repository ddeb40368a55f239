import type { Static } from 'typebox';
import type { ProblemList } from './problem-list.js';
import type { TesterAttributes } from './schema.js';
import type { Element } from './xml.js';

/** Warns of a delay that never comes: one verdict changes the state, so that nothing is ever counting. */
export function checkDelays(
  element: Element,
  path: string,
  { retries2ok, retries2fail }: Static<typeof TesterAttributes>,
  problems: ProblemList,
): void {
  const attribute = element.attributes.get('fastdelay');
  if (!attribute || retries2ok !== 1 || retries2fail !== 1) return;
  const message = 'has no effect without retries2ok or retries2fail above 1';
  problems.warn(attribute, path, `attribute "fastdelay": ${message}`);
}
