/**
 * `history`: the last transitions of a real, or of all reals of a virtual.
 *
 * @module
 */

import { escapeText } from '@surealived/shared/escape';
import { localTime } from '@surealived/shared/log-line';
import type { Real, Transition } from '../state.js';
import type { Command } from './command.js';
import { describeOutput, describeReal, describeRealId, describeVirtual, NO_REALS } from './describe.js';
import { type History, realDocument, transitionDocument, virtualDocument } from './documents.js';
import { findReals, findVirtual, REAL_OPERANDS, VIRTUAL_OPERANDS } from './find.js';

export const history: Command = {
  name: 'history',
  operands: `${VIRTUAL_OPERANDS} [${REAL_OPERANDS}]`,
  summary:
    'shows the last transitions of a real, or of all reals of a virtual, why their last test failed, and what it put out',
  run({ director }, { fields }) {
    const virtual = findVirtual(director, fields);
    const reals = findReals(virtual, fields);
    return {
      lines: () => [
        describeVirtual(virtual),
        ...(reals.length === 0 ? [NO_REALS] : []),
        ...reals.flatMap((real) => describeHistory(real, virtual.reals.indexOf(real))),
      ],
      document: (): History => ({
        virtual: virtualDocument(virtual),
        reals: reals.map((real) => ({
          ...realDocument(real),
          transitions: real.history.map(transitionDocument),
          output: real.output ?? null,
        })),
      }),
    };
  },
};

/** @param place Of the real in its virtual, as `rlist` counts. */
function describeHistory(real: Real, place: number): readonly string[] {
  return [
    `r:${place} ${describeReal(real)}`,
    ...real.history.map((transition, index) => `h:${place}.${index} ${describeTransition(real, transition)}`),
    ...(real.sentinel === undefined ? [] : [`sentinel: ${real.sentinel}`]),
    ...(real.failure === undefined ? [] : [`failure: ${escapeText(real.failure)}`]),
    ...describeOutput(real.output),
  ];
}

function describeTransition(real: Real, { at, what, detail }: Transition): string {
  const [date, time] = localTime(at).split(' ');
  return `${describeRealId(real)} date=${date} time=${time} event=${what} detail=${escapeText(detail)}`;
}
