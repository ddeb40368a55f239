import { packByHand } from './handmade-package.js';

/** As the package of SureAliveD has them: AUTOSTART is false, and the init script asks for it nowhere under systemd. */
export const ORIGINAL_SETTINGS =
  'AUTOSTART=false\nCONFIG="/etc/surealived/surealived.cfg"\nCHECKER_CONFIG="/etc/surealived/services.xml"\n';
/** A configuration of its own on which it runs. */
export const ORIGINAL_CFG = 'maxfd 2048\nmodules all\nmemlimit 64000\nlisten_port 4242\n';
export const ORIGINAL_LOGROTATE = '/var/log/surealived/*.log {\n\tdaily\n}\n';

/**
 * Packs what stands for SureAliveD 1.0.6: the files of its package where that has them, and in the place of its programs
 * one that runs until it is interrupted.
 *
 * @param program A program of Debian that waits for as many seconds as its argument says.
 * @returns The path of the .deb.
 */
export function packOriginal(program: string): string {
  return packByHand({ Package: 'surealived', Version: '1.0.6' }, [
    { path: '/usr/bin/surealived', mode: 0o755, content: { copyOf: program } },
    { path: '/usr/sbin/ipvssync', mode: 0o755, content: { copyOf: program } },
    { path: '/etc/default/surealived', content: ORIGINAL_SETTINGS },
    { path: '/etc/surealived/surealived.cfg', content: ORIGINAL_CFG },
    { path: '/etc/logrotate.d/surealived', content: ORIGINAL_LOGROTATE },
    initScript('surealived-check', '/usr/bin/surealived'),
    initScript('surealived-ipvssync', '/usr/sbin/ipvssync'),
  ]);
}

function initScript(name: string, program: string) {
  return {
    path: `/etc/init.d/${name}`,
    mode: 0o755,
    content: `#!/bin/sh
### BEGIN INIT INFO
# Provides: ${name}
# Required-Start: $remote_fs
# Required-Stop: $remote_fs
# Default-Start: 2 3 4 5
# Default-Stop: 0 1 6
# Short-Description: ${name}
### END INIT INFO
[ "$1" != start ] || start-stop-daemon --start --background --exec ${program} -- 100000
`,
  };
}
