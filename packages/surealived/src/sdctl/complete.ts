/**
 * What may stand at the cursor: commands, options, and the names of virtuals and reals that are there now.
 *
 * @module
 */
import { parseArgs } from 'node:util';
import { ADMIN_STATES } from '@surealived/shared/model';
import { token } from '@surealived/shared/snapshot/write';
import type { RealList, VirtualList } from '../admin/documents.js';
import { type OperandKind, SDCTL_COMMANDS } from './commands.js';
import { COMPLETION_SHELLS } from './completion-script.js';
import { readConnectionOptions, SDCTL_OPTIONS } from './options.js';
import { realId, selectVirtual, virtualFields, virtualId } from './select.js';
import { Session } from './session.js';
import type { Terminal } from './terminal.js';

/** Nobody waits longer for a completion. */
const TIMEOUT_MS = 2000;

/** @param words What follows the program's name, up to the cursor; the last one may be empty. @returns Whole words. */
export async function complete(words: readonly string[], terminal: Terminal): Promise<readonly string[]> {
  const current = words.at(-1) ?? '';
  const candidates = current.startsWith('-')
    ? optionNames()
    : await operandsAfter(words.slice(0, -1), terminal);
  return candidates.filter((candidate) => candidate.startsWith(current));
}

function optionNames(): readonly string[] {
  return Object.keys(SDCTL_OPTIONS).map((name) => `--${name}`);
}

async function operandsAfter(before: readonly string[], terminal: Terminal): Promise<readonly string[]> {
  const { values, positionals } = parseArgs({
    args: [...before],
    options: SDCTL_OPTIONS,
    strict: false,
    allowPositionals: true,
  });
  const [name, ...operands] = positionals;
  if (name === undefined) return SDCTL_COMMANDS.map((command) => command.name);
  const operand = SDCTL_COMMANDS.find((command) => command.name === name)?.operands[operands.length];
  if (!operand) return [];
  await using session = new Session({
    terminal,
    isJson: false,
    timeoutMs: TIMEOUT_MS,
    endpoints: () => readConnectionOptions(values).endpoints,
  });
  return await candidatesFor(operand.kind, operands, session);
}

async function candidatesFor(
  kind: OperandKind,
  operands: readonly string[],
  session: Session,
): Promise<readonly string[]> {
  switch (kind) {
    case 'virtual':
      return uniqueNames((await session.askDocument<VirtualList>('vlist')).virtuals, virtualId);
    case 'real':
      return await realNames(session, operands[0] ?? '');
    case 'state':
      return ADMIN_STATES;
    case 'shell':
      return COMPLETION_SHELLS;
    case 'text':
      return [];
  }
}

async function realNames(session: Session, virtualName: string): Promise<readonly string[]> {
  const { virtuals } = await session.askDocument<VirtualList>('vlist');
  const fields = virtualFields(selectVirtual(virtuals, virtualName));
  const list = await session.askDocument<RealList>(`rlist ${fields}`);
  return uniqueNames(list.virtuals[0]?.reals ?? [], realId);
}

/** Names, and ids where a name would not do. */
function uniqueNames<T extends { readonly name: string }>(
  items: readonly T[],
  idOf: (item: T) => string,
): readonly string[] {
  const names = items.map(({ name }) => token(name));
  return items.map((item, index) => {
    const name = names[index] ?? '';
    return names.indexOf(name) === names.lastIndexOf(name) ? name : idOf(item);
  });
}
