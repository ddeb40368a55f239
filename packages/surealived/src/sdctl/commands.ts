/**
 * The commands of sdctl, in one table: usage, dispatch and completion follow from it.
 *
 * @module
 */

import { escapeText } from '@surealived/shared/escape';
import {
  type Check,
  type ConnectionFigures,
  type History,
  INTERNAL_ERROR,
  type RealList,
  type Reload,
  type VirtualList,
} from '../admin/documents.js';
import { COMPLETION_SHELLS, completionScript } from './completion-script.js';
import { EXIT, type ExitStatus, Failure } from './failure.js';
import { renderCheck, renderConnections, renderHistory, renderReals, renderVirtuals } from './render.js';
import { realFields, virtualFields } from './select.js';
import type { Session } from './session.js';
import { watch } from './watch.js';

/** What an operand names; completion knows the values of most. */
export type OperandKind = 'virtual' | 'real' | 'state' | 'shell' | 'text';

export interface Operand {
  readonly name: string;
  readonly kind: OperandKind;
  readonly isOptional?: boolean;
}

export interface SdctlCommand {
  readonly name: string;
  readonly operands: readonly Operand[];
  readonly summary: string;
  /** @param operands As many as the table says; an optional one may be missing. @throws Failure */
  run(session: Session, operands: readonly string[]): Promise<ExitStatus | undefined>;
}

const VIRTUAL: Operand = { name: 'VIRTUAL', kind: 'virtual' };
const REAL: Operand = { name: 'REAL', kind: 'real' };
const MAYBE_VIRTUAL: Operand = { ...VIRTUAL, isOptional: true };
const STATE: Operand = { name: 'ONLINE|OFFLINE|DOWN', kind: 'state' };
const WEIGHT: Operand = { name: 'N|N%', kind: 'text' };
/** Beyond the time-out of a test: it may have to wait for its turn. */
const CHECK_PATIENCE_MS = 5000;
/** Beyond two loadings that each end with their time-out: one may be under way. */
const RELOAD_PATIENCE_MS = 130_000;

export const SDCTL_COMMANDS: readonly SdctlCommand[] = [
  {
    name: 'vlist',
    operands: [],
    summary: 'list the virtuals',
    run: async (session) => void (await session.show<VirtualList>('vlist', renderVirtuals)),
  },
  {
    name: 'rlist',
    operands: [MAYBE_VIRTUAL],
    summary: 'list the reals of a virtual, or of all',
    async run(session, [name]) {
      const fields = name === undefined ? '' : ` ${virtualFields(await session.findVirtual(name))}`;
      await session.show<RealList>(`rlist${fields}`, renderReals);
      return undefined;
    },
  },
  {
    name: 'rset',
    operands: [VIRTUAL, REAL, STATE, { ...WEIGHT, isOptional: true }],
    summary: 'set the state of a real, and its weight',
    async run(session, [virtual = '', real = '', state = '', weight]) {
      const setting = `rstate=${upperCase(state)}`;
      return setReal(
        session,
        virtual,
        real,
        weight === undefined ? setting : `${setting} rweight=${oneWord(weight)}`,
      );
    },
  },
  {
    name: 'weight',
    operands: [VIRTUAL, REAL, WEIGHT],
    summary: 'set the weight of a real; 100% is the configured one',
    run: (session, [virtual = '', real = '', weight = '']) =>
      setReal(session, virtual, real, `rweight=${oneWord(weight)}`),
  },
  {
    name: 'drain',
    operands: [VIRTUAL],
    summary: 'set all reals of a virtual OFFLINE: weight 0, connections may end',
    run: (session, [virtual = '']) => setVirtual(session, virtual, 'rstate=OFFLINE'),
  },
  {
    name: 'restore',
    operands: [VIRTUAL],
    summary: 'set all reals of a virtual ONLINE, those too that were set one by one',
    run: (session, [virtual = '']) => setVirtual(session, virtual, 'rstate=ONLINE'),
  },
  {
    name: 'check',
    operands: [VIRTUAL, REAL],
    summary: 'test a real now and show the conversation; fails where the real does',
    async run(session, [virtualName = '', realName = '']) {
      const { virtual, real } = await session.findReal(virtualName, realName);
      const line = `check ${virtualFields(virtual)} ${realFields(real)}`;
      const patienceMs = virtual.timeoutMs + CHECK_PATIENCE_MS;
      const { verdict } = await session.show<Check>(line, renderCheck, patienceMs);
      return verdict?.up ? EXIT.ok : EXIT.failed;
    },
  },
  {
    name: 'history',
    operands: [VIRTUAL, { ...REAL, isOptional: true }],
    summary: 'show the last transitions of the reals of a virtual, or of one',
    async run(session, [virtualName = '', realName]) {
      if (realName === undefined) {
        const virtual = await session.findVirtual(virtualName);
        await session.show<History>(`history ${virtualFields(virtual)}`, renderHistory);
      } else {
        const { virtual, real } = await session.findReal(virtualName, realName);
        await session.show<History>(`history ${virtualFields(virtual)} ${realFields(real)}`, renderHistory);
      }
      return undefined;
    },
  },
  { name: 'stats', operands: [], summary: 'show what surealived counts and uses', run: showStatistics },
  {
    name: 'connstats',
    operands: [],
    summary: 'show how long connecting and answering takes',
    run: async (session) => void (await session.show<ConnectionFigures>('connstats', renderConnections)),
  },
  {
    name: 'reload',
    operands: [],
    summary: 'read the configuration anew; fails where it is wrong',
    run: reload,
  },
  {
    name: 'watch',
    operands: [MAYBE_VIRTUAL],
    summary: 'show the reals live, and their last transitions; q ends it',
    run: async (session, [virtual]) => watch(session, virtual),
  },
  {
    name: 'raw',
    operands: [{ name: 'LINE', kind: 'text' }],
    summary: 'send a line to the admin socket as it is and print the answer',
    run: sendRaw,
  },
  {
    name: 'completion',
    operands: [{ name: COMPLETION_SHELLS.join('|'), kind: 'shell' }],
    summary: 'print a completion script for a shell',
    async run(session, [shell = '']) {
      const script = completionScript(shell);
      if (script === undefined) throw new Failure(EXIT.usage, `no completion for "${shell}"`);
      session.print([script]);
      return undefined;
    },
  },
];

/** `rlist [VIRTUAL]` */
export function describeSyntax({ name, operands }: SdctlCommand): string {
  const texts = operands.map(({ name: operand, isOptional }) => (isOptional ? `[${operand}]` : operand));
  return [name, ...texts].join(' ');
}

async function setReal(session: Session, virtualName: string, realName: string, setting: string) {
  const { virtual, real } = await session.findReal(virtualName, realName);
  await session.show<RealList>(`rset ${virtualFields(virtual)} ${realFields(real)} ${setting}`, renderReals);
  return undefined;
}

async function setVirtual(session: Session, virtualName: string, setting: string) {
  const virtual = await session.findVirtual(virtualName);
  await session.show<RealList>(`vset ${virtualFields(virtual)} ${setting}`, renderReals);
  return undefined;
}

async function showStatistics(session: Session) {
  if (session.isJson) await session.show<object>('stats', () => []);
  else {
    const lines = await session.ask('stats');
    session.print(lines.map((line) => (line.startsWith('===') ? session.paint('bold', line) : line)));
  }
  return undefined;
}

async function reload(session: Session): Promise<ExitStatus> {
  const render = ({ reload: { ok, added, removed, changed, tookMs } }: Reload): readonly string[] =>
    ok
      ? [`reloaded in ${Math.round(tookMs)} ms: ${added} reals added, ${removed} removed, ${changed} changed`]
      : [];
  const { reload: report } = await session.show<Reload>('reload', render, RELOAD_PATIENCE_MS);
  const { stderr } = session.terminal;
  for (const warning of report.warnings) stderr.write(`warning: ${escapeText(warning)}\n`);
  for (const problem of report.problems) stderr.write(`${escapeText(problem)}\n`);
  if (!report.ok) stderr.write('sdctl: reload failed, the running configuration stays\n');
  return report.ok ? EXIT.ok : EXIT.failed;
}

async function sendRaw(session: Session, [line = '']: readonly string[]): Promise<ExitStatus> {
  if (/[\r\n]/.test(line) || line.trim() === '') throw new Failure(EXIT.usage, 'raw takes one line');
  const answer = await session.ask(line, await patienceFor(session, line));
  session.print(answer);
  const [head = ''] = answer;
  const isRefused =
    head.startsWith('Reload: failed') ||
    answer.at(-1) === INTERNAL_ERROR ||
    (answer.length === 1 && /^(Invalid request!|cmd_\w+:)/.test(head));
  return isRefused ? EXIT.failed : EXIT.ok;
}

/** How long a line may take that the time-out is too short for; 0 for any other. */
async function patienceFor(session: Session, line: string): Promise<number> {
  const [name] = line.trim().split(/\s/);
  if (name === 'reload') return RELOAD_PATIENCE_MS;
  if (name !== 'check') return 0;
  const { virtuals } = await session.askDocument<VirtualList>('vlist');
  return Math.max(0, ...virtuals.map(({ timeoutMs }) => timeoutMs)) + CHECK_PATIENCE_MS;
}

function upperCase(state: string): string {
  return oneWord(state).toUpperCase();
}

/** A word that cannot become several arguments of a command. */
function oneWord(text: string): string {
  if (/^\S+$/.test(text)) return text;
  throw new Failure(EXIT.usage, `expected one word, got "${text}"`);
}
