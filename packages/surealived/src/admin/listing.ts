import type { Virtual } from '../state.js';
import type { Command } from './command.js';
import { describeReals, describeVirtual } from './describe.js';
import { type RealList, realDocument, type VirtualList, virtualDocument } from './documents.js';
import { findVirtual, VIRTUAL_OPERANDS } from './find.js';
import { each, type InParts } from './json-parts.js';

export const vlist: Command = {
  name: 'vlist',
  operands: '',
  summary: 'lists the virtuals',
  run: ({ director: { virtuals } }) => ({
    lines: () => virtuals.map((virtual, index) => `v:${index} ${describeVirtual(virtual)}`),
    document: (): InParts<VirtualList> => ({ virtuals: each(virtuals, virtualDocument) }),
  }),
};

export const rlist: Command = {
  name: 'rlist',
  operands: VIRTUAL_OPERANDS,
  summary: 'lists the reals of a virtual; with --json alone, those of all',
  run({ director }, { fields, isJson }) {
    if (isJson && fields.keys.length === 0)
      return { lines: () => [], document: () => realListInParts(director.virtuals) };
    const virtual = findVirtual(director, fields);
    return {
      lines: () => [describeVirtual(virtual), ...describeReals(virtual)],
      document: () => realListInParts([virtual]),
    };
  },
};

function realListInParts(virtuals: readonly Virtual[]): InParts<RealList> {
  const withReals = (virtual: Virtual) => ({
    ...virtualDocument(virtual),
    reals: each(virtual.reals, realDocument),
  });
  return { virtuals: each(virtuals, withReals) };
}
