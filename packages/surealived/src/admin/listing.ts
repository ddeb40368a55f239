import type { Command } from './command.js';
import { describeReals, describeVirtual } from './describe.js';
import { realList, type VirtualList, virtualDocument } from './documents.js';
import { findVirtual, VIRTUAL_OPERANDS } from './find.js';

export const vlist: Command = {
  name: 'vlist',
  operands: '',
  summary: 'lists the virtuals',
  run: ({ director: { virtuals } }) => ({
    lines: () => virtuals.map((virtual, index) => `v:${index} ${describeVirtual(virtual)}`),
    document: (): VirtualList => ({ virtuals: virtuals.map(virtualDocument) }),
  }),
};

export const rlist: Command = {
  name: 'rlist',
  operands: VIRTUAL_OPERANDS,
  summary: 'lists the reals of a virtual; with --json alone, those of all',
  run({ director }, { fields, isJson }) {
    if (isJson && fields.keys.length === 0)
      return { lines: () => [], document: () => realList(director.virtuals) };
    const virtual = findVirtual(director, fields);
    return {
      lines: () => [describeVirtual(virtual), ...describeReals(virtual)],
      document: () => realList([virtual]),
    };
  },
};
