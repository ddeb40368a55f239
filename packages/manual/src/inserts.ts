/**
 * What the pages take from the code: a `{{name}}` of a page is one of these.
 *
 * @module
 */
import { COMMON_OPTIONS, type OptionTable } from '@surealived/shared/command-line';
import { ERROR_CODES } from '@surealived/shared/errors';
import { EXIT } from '@surealived/shared/process-host';
import { CONFIG_KEYS } from '@surealived/shared/surealived-cfg';
import { BUILT_IN_TESTERS } from '@surealived/testers/registry';
import type { Tester } from '@surealived/testers/tester';
import { COMMAND_LINE as IPVSSYNC } from 'ipvssync/cli/options';
import { COMMANDS } from 'surealived/admin/commands';
import { RealAttributes, TesterAttributes, VirtualAttributes } from 'surealived/config/schema';
import { COMMAND_LINE as SUREALIVED } from 'surealived/options';
import { describeSyntax, SDCTL_COMMANDS } from 'surealived/sdctl/commands';
import { EXIT as SDCTL_EXIT } from 'surealived/sdctl/failure';
import { sdctlCommandLine } from 'surealived/sdctl/options';
import { type AttributeEntry, attributeEntries } from './attributes.js';
import { type Block, type Definition, type Inline, literal, text, variable } from './blocks.js';
import { parseInline } from './markup.js';

const DAEMON_STATUSES: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: 'Done, or ended by a signal as asked.',
  failed: 'It could not begin or not do what was asked; standard error says why.',
  usage: 'The command line is wrong.',
};
const SDCTL_STATUSES: Readonly<Record<keyof typeof SDCTL_EXIT, string>> = {
  ok: 'Done.',
  failed: 'Refused, failed or not found. For `check`: the real is down or could not be tested.',
  usage: 'The command line or the configuration is wrong.',
  unreachable: 'No connection to surealived, or no answer in time.',
};

const INSERTS: Readonly<Record<string, () => readonly Block[]>> = {
  'options surealived': () => describeOptions(SUREALIVED.options),
  'options ipvssync': () => describeOptions(IPVSSYNC.options),
  'options sdctl': () => describeOptions(sdctlCommandLine().options),
  'exit daemon': () => describeStatuses(EXIT, DAEMON_STATUSES),
  'exit sdctl': () => describeStatuses(SDCTL_EXIT, SDCTL_STATUSES),
  'admin commands': () => [
    definitions(
      COMMANDS.map(({ name, operands, summary }) => ({
        term: describeOperands(name, operands),
        body: sentence(summary),
      })),
    ),
  ],
  'sdctl commands': () => [
    definitions(
      SDCTL_COMMANDS.map((command) => ({
        term: describeOperands(command.name, describeSyntax(command).slice(command.name.length + 1)),
        body: sentence(command.summary),
      })),
    ),
  ],
  errors: () => [{ kind: 'bullets', items: Object.values(ERROR_CODES).map(parseInline) }],
  'config keys': () => [definitions(Object.entries(CONFIG_KEYS).map(describeKey))],
  'attributes virtual': () => describeAttributes(VirtualAttributes),
  'attributes tester': () => describeAttributes(TesterAttributes),
  'attributes real': () => describeAttributes(RealAttributes),
  testers: () => BUILT_IN_TESTERS.flatMap(describeTester),
};

/** @throws Error when there is none of that name. */
export function insert(name: string): readonly Block[] {
  const make = INSERTS[name];
  if (!make) throw new Error(`nothing is called {{${name}}}`);
  return make();
}

function describeOptions(own: OptionTable): readonly Block[] {
  const table: OptionTable = { ...own, ...COMMON_OPTIONS };
  const items = Object.entries(table).map(([name, { short, value, help, default: fallback }]) => ({
    term: [
      ...(short === undefined ? [] : [literal(`-${short}`), text(', ')]),
      literal(`--${name}`),
      ...(value === undefined ? [] : [text(' '), variable(value)]),
    ],
    body: [
      ...sentence(help),
      ...(typeof fallback === 'string' ? [text(' Default: '), literal(fallback), text('.')] : []),
    ],
  }));
  return [definitions(items)];
}

function describeStatuses<T extends string>(
  statuses: Readonly<Record<T, number>>,
  meanings: Readonly<Record<T, string>>,
): readonly Block[] {
  const names = Object.keys(statuses) as T[];
  const items = names.map((name) => ({
    term: [literal(String(statuses[name]))],
    body: parseInline(meanings[name]),
  }));
  return [definitions(items)];
}

type Key = (typeof CONFIG_KEYS)[keyof typeof CONFIG_KEYS];

function describeKey([name, { description, expected, default: fallback, defaultText }]: [
  string,
  Key,
]): Definition {
  const shown = defaultText ?? String(fallback);
  return {
    term: [literal(name)],
    body: [
      ...parseInline(description),
      text(` ${capitalise(expected)}; `),
      ...(shown === '' ? [text('none by default.')] : [literal(shown), text(' by default.')]),
    ],
  };
}

function describeAttributes(schema: Parameters<typeof attributeEntries>[0]): readonly Block[] {
  return [definitions(attributeEntries(schema).map((entry) => describeAttribute(entry, 'Mandatory.')))];
}

function describeTester({ name, kind, description, attributes }: Tester): readonly Block[] {
  const entries = attributeEntries(attributes);
  const mandatory = 'Mandatory, here or on each real.';
  return [
    { kind: 'subsection', title: name },
    { kind: 'paragraph', content: parseInline(`${description} ${TRANSPORTS[kind]}`) },
    ...(entries.length === 0
      ? []
      : [definitions(entries.map((entry) => describeAttribute(entry, mandatory)))]),
  ];
}

const TRANSPORTS: Readonly<Record<Tester['kind'], string>> = {
  stream: 'Over TCP, or over TLS with `SSL`.',
  datagram: 'Over UDP; while no answer comes, the request is sent again, up to three times in all.',
  task: 'One of the tests that `max_tasks` counts.',
  constant: 'Needs no `testport`.',
};

function describeAttribute(entry: AttributeEntry, mandatory: string): Definition {
  const { name, description, isMandatory, defaultText } = entry;
  const fallback = defaultText === undefined ? [] : [text('; '), literal(defaultText), text(' by default')];
  return {
    term: [literal(name)],
    body: [
      ...parseInline(description),
      text(' '),
      ...describeValues(entry),
      ...fallback,
      text(isMandatory ? `. ${mandatory}` : '.'),
    ],
  };
}

function describeValues({ schema, expected }: AttributeEntry): readonly Inline[] {
  if (schema.type === 'boolean') return [text('A switch')];
  if (!schema.enum) return [text(capitalise(expected))];
  return schema.enum.flatMap((value, index) => [text(index === 0 ? 'One of ' : ', '), literal(value)]);
}

/** `rlist` and what may follow: capitals that stand alone are placeholders. */
function describeOperands(name: string, operands: string): readonly Inline[] {
  const parts = operands.split(/(\b[A-Z]{2,}\b|\bN\b|[[\]|])/).filter((part) => part !== '');
  return [
    literal(name),
    ...(parts.length === 0 ? [] : [text(' ')]),
    ...parts.map((part) => {
      if (/^[[\]|]$/.test(part)) return text(part);
      return isPlaceholder(part) ? variable(part) : literal(part);
    }),
  ];
}

/** Words in capitals that are typed as they stand. */
const WORDS: readonly string[] = ['ONLINE', 'OFFLINE', 'DOWN'];

function isPlaceholder(part: string): boolean {
  return /^([A-Z]{2,}|N)$/.test(part) && !WORDS.includes(part);
}

/** A phrase of a help text as a sentence. */
function sentence(phrase: string): readonly Inline[] {
  return parseInline(`${capitalise(phrase)}${/[.!?]$/.test(phrase) ? '' : '.'}`);
}

function capitalise(phrase: string): string {
  return phrase.charAt(0).toUpperCase() + phrase.slice(1);
}

function definitions(items: readonly Definition[]): Block {
  return { kind: 'definitions', items };
}
