import type { Tester } from '@surealived/testers/tester';
import { type ProblemList, placeOf } from './problem-list.js';
import type { Element } from './xml.js';

/** @param element The one that asks for sentinels: a tester, or a real. */
export function checkSentinel(element: Element, path: string, tester: Tester, problems: ProblemList): void {
  const place = placeOf(element, 'sentinel');
  if (tester.kind === 'constant')
    problems.error(place, path, `attribute "sentinel": the tester ${tester.name} makes no tests to call for`);
  else if (tester.kind === 'datagram')
    problems.error(place, path, `attribute "sentinel": the tester ${tester.name} does not talk TCP`);
  else if (tester.kind === 'task' && !tester.isOverTcp)
    problems.warn(
      place,
      path,
      `attribute "sentinel": it connects to the test port by TCP, which the tester ${tester.name} may not do`,
    );
}
