/**
 * The settings of a memory table in its file: lines that `ipvsadm --restore` carries out too.
 *
 * @module
 */
import { parseAddress } from '@surealived/shared/address';
import { ConfigError, type Problem } from '@surealived/shared/errors';
import type { Settings, SettingsChange, SyncDaemon } from '../ipvs/settings.js';
import { changed, findSettingsRefusal, INITIAL_SETTINGS } from './memory-settings.js';

const SET_LINE = /^--set (\d+) (\d+) (\d+)$/;
const DAEMON_LINE =
  /^--start-daemon (master|backup) --mcast-interface (\S{1,15}) --syncid (\d+) --sync-maxlen (\d+) --mcast-group (\S+) --mcast-port (\d+) --mcast-ttl (\d+)$/;

/** What differs from the settings that a kernel begins with, a line each. */
export function formatSettings({ timeouts, daemons }: Settings): string {
  const { tcpSec, tcpFinSec, udpSec } = timeouts;
  const initial = INITIAL_SETTINGS.timeouts;
  const isInitial = tcpSec === initial.tcpSec && tcpFinSec === initial.tcpFinSec && udpSec === initial.udpSec;
  const set = isInitial ? [] : [`--set ${tcpSec} ${tcpFinSec} ${udpSec}\n`];
  return [...set, ...daemons.map(formatDaemon)].join('');
}

/**
 * Reads the lines that `formatSettings` wrote.
 *
 * @returns The settings, and the text with these lines empty, so that the others keep their numbers.
 * @throws ConfigError with every such line that cannot be read, or that the kernel would refuse.
 */
export function takeSettings(text: string, file: string): { settings: Settings; rest: string } {
  let settings = INITIAL_SETTINGS;
  const problems: Problem[] = [];
  const rest = text.split('\n').map((line, index) => {
    if (!/^--(set|start-daemon)\b/.test(line)) return line;
    const change = parseLine(line);
    const errno = change && findSettingsRefusal(settings, change);
    // an interface may have gone since; what was running on it is then gone, too
    if (change && errno === undefined) settings = changed(settings, change);
    else if (errno !== 'ENODEV') problems.push({ file, line: index + 1, message: explain(line, errno) });
    return '';
  });
  if (problems.length > 0) throw new ConfigError(problems);
  return { settings, rest: rest.join('\n') };
}

function formatDaemon({ state, device, syncId, group, port, ttl, maxlenBytes }: SyncDaemon): string {
  const network = `--mcast-group ${group.text} --mcast-port ${port} --mcast-ttl ${ttl}`;
  return `--start-daemon ${state} --mcast-interface ${device} --syncid ${syncId} --sync-maxlen ${maxlenBytes} ${network}\n`;
}

function parseLine(line: string): SettingsChange | undefined {
  const [, tcp, tcpFin, udp] = SET_LINE.exec(line) ?? [];
  if (tcp !== undefined) {
    const timeouts = { tcpSec: Number(tcp), tcpFinSec: Number(tcpFin), udpSec: Number(udp) };
    return { kind: 'setTimeouts', timeouts, before: INITIAL_SETTINGS.timeouts };
  }
  const [, state, device = '', syncId, maxlen, groupText = '', port, ttl] = DAEMON_LINE.exec(line) ?? [];
  const group = parseAddress(groupText);
  if (!group || (state !== 'master' && state !== 'backup')) return undefined;
  const numbers = { syncId: Number(syncId), port: Number(port), ttl: Number(ttl) };
  return { kind: 'startDaemon', daemon: { state, device, group, ...numbers, maxlenBytes: Number(maxlen) } };
}

function explain(line: string, errno: string | undefined): string {
  return errno === undefined
    ? `expected --set or --start-daemon as ipvssync writes them, got "${line}"`
    : `the kernel would refuse it: ${errno}`;
}
