import { type CommandLine, FLAG, type OptionTable } from '@surealived/shared/command-line';
import { DEFAULT_CONFIG_PATH } from '@surealived/shared/surealived-cfg';
import { describeSyntax, SDCTL_COMMANDS } from './commands.js';
import { type Endpoint, findEndpoints } from './endpoint.js';
import { EXIT, Failure } from './failure.js';

const DEFAULT_TIMEOUT_SEC = 10;
const MAX_TIMEOUT_SEC = 3600;

const OWN_OPTIONS = {
  address: {
    type: 'string',
    value: 'HOST:PORT',
    help: 'where surealived listens, whatever the configuration says',
  },
  socket: { type: 'string', value: 'PATH', help: 'the Unix socket where surealived listens' },
  timeout: {
    type: 'string',
    value: 'SEC',
    default: String(DEFAULT_TIMEOUT_SEC),
    help: 'seconds to wait for a connection and for an answer',
  },
  json: { ...FLAG, help: 'print the JSON documents of the admin socket as they come' },
} as const satisfies OptionTable;

/** For completion: what is common to all programs, too. */
export const SDCTL_OPTIONS = {
  ...OWN_OPTIONS,
  config: { type: 'string', short: 'c' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'V' },
} as const;

export function sdctlCommandLine(): CommandLine<typeof OWN_OPTIONS> {
  const width = Math.max(...SDCTL_COMMANDS.map((command) => describeSyntax(command).length));
  const list = SDCTL_COMMANDS.map(
    (command) => `  ${describeSyntax(command).padEnd(width)}  ${command.summary}`,
  );
  return {
    program: 'sdctl',
    operands: 'COMMAND …',
    summary: `Shows and sets what a running surealived does.\n\n${list.join('\n')}`,
    options: OWN_OPTIONS,
    notes: NOTES,
  };
}

const NOTES = `VIRTUAL is a name, tcp:192.0.2.10:80, udp:[2001:db8::1]:53, fwmark:7 or "vproto=tcp vaddr=192.0.2.10 vport=80";
REAL is a name or 10.0.0.11:80.

Exit status: 0 done, 1 refused, failed or not found, 2 wrong usage, 3 no connection or no answer.`;

/** What the options say of the connection. @throws Failure where they are no good. */
export function readConnectionOptions(values: Readonly<Record<string, unknown>>): {
  readonly endpoints: readonly Endpoint[];
  readonly timeoutMs: number;
} {
  const text = (name: string): string | undefined =>
    typeof values[name] === 'string' ? (values[name] as string) : undefined;
  const endpoints = findEndpoints({
    config: text('config') ?? DEFAULT_CONFIG_PATH,
    address: text('address'),
    socket: text('socket'),
  });
  const timeoutSec = Number(text('timeout') ?? DEFAULT_TIMEOUT_SEC);
  if (!(timeoutSec > 0 && timeoutSec <= MAX_TIMEOUT_SEC))
    throw new Failure(
      EXIT.usage,
      `--timeout: expected seconds up to ${MAX_TIMEOUT_SEC}, got "${text('timeout')}"`,
    );
  return { endpoints, timeoutMs: timeoutSec * 1000 };
}
