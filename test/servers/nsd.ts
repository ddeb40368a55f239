import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ServerProcess } from './server-process.js';

export interface NsdOptions {
  /** For all of its files. */
  readonly directory: string;
  readonly port: number;
  readonly addresses: readonly string[];
  /** Name of the one zone, and its file's text. */
  readonly zone: { readonly name: string; readonly text: string };
  /** Further lines of the section `server`. */
  readonly settings?: readonly string[];
}

/** An nsd in the foreground that serves one zone, as the user who runs this. */
export function startNsd(
  program: string,
  { directory, port, addresses, zone, settings = [] }: NsdOptions,
): Promise<ServerProcess> {
  writeFileSync(join(directory, 'zone'), zone.text);
  const server = [
    ...addresses.map((address) => `ip-address: ${address}@${port}`),
    'server-count: 1',
    'username: ""',
    'chroot: ""',
    'database: ""',
    `zonesdir: "${directory}"`,
    `zonelistfile: "${directory}/zone.list"`,
    `xfrdfile: "${directory}/xfrd.state"`,
    `xfrdir: "${directory}"`,
    'pidfile: ""',
    ...settings,
  ];
  const file = join(directory, 'nsd.conf');
  writeFileSync(
    file,
    `server:\n  ${server.join('\n  ')}
remote-control:
  control-enable: no
zone:
  name: ${zone.name}
  zonefile: zone
`,
  );
  return ServerProcess.start(program, ['-d', '-c', file], /nsd started/);
}
