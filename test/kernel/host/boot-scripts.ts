/**
 * The two shell scripts a guest starts with.
 *
 * Shell, because they run before there is a writable file system, and only call programs every Debian has.
 *
 * @module
 */
import { MODULES_DIR, PROGRAM_PATH } from '../requirements.js';

/** Where the host's exchange folder is mounted inside the guest. */
export const GUEST_EXCHANGE_DIR = '/mnt/exchange';

/** Inside the exchange folder: what the command leaves behind for the host. */
export const RESULTS_FOLDER = 'results';

/** Inside the exchange folder: the command's exit status, present only if it ended by itself. */
export const STATUS_FILE = 'exit-status';

export interface BootPlan {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string;
  /** Host folder that the guest may write to; everything else it writes stays in its memory. */
  readonly exchangeDir: string;
  /** Path of the second script, as the host names it. */
  readonly commandScript: string;
}

/**
 * First program of the guest: puts a writable overlay in memory over the host's read-only root and enters it.
 *
 * `/run` is a fresh tmpfs and not the overlay, so that network namespaces of the host do not show through.
 */
export function initScript({ exchangeDir, commandScript }: BootPlan): string {
  return `#!/bin/sh
set -e
export PATH=${PROGRAM_PATH}
mount -t proc proc /proc
modules=${MODULES_DIR}/$(uname -r)
mount -t tmpfs -o size=90% overlay /mnt
mkdir /mnt/upper /mnt/work /mnt/root
insmod "$modules"/kernel/fs/overlayfs/overlay.ko*
mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work overlay /mnt/root
cd /mnt/root
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t devtmpfs devtmpfs dev
mkdir -p dev/pts dev/shm lib/modules .${GUEST_EXCHANGE_DIR}
mount -t devpts devpts dev/pts
mount -t tmpfs tmpfs dev/shm
mount -t tmpfs tmpfs run
mkdir run/lock
mount -t hostfs -o ${shellQuote(exchangeDir)} exchange .${GUEST_EXCHANGE_DIR}
rm -rf "lib/modules/$(uname -r)"
ln -s "$modules" lib/modules/
exec chroot . /usr/bin/env -i PATH=$PATH HOME=/root TERM=dumb LC_ALL=C.UTF-8 /bin/sh ${shellQuote(commandScript)}
`;
}

/**
 * Second program: loads IPVS, runs the command with its output on the serial line, leaves its status, switches off.
 *
 * Duplicate address detection is off, in all namespaces to come, as it keeps a new IPv6 address unusable for a second
 * or more; networks made by one plan have no duplicates.
 *
 * The status appears by rename after a sync, so that the host never takes a half-written one for the truth.
 */
export function commandScript({ command, env, workingDir }: BootPlan): string {
  const status = `${GUEST_EXCHANGE_DIR}/${STATUS_FILE}`;
  const exports = Object.entries(env).map(([name, value]) => `export ${name}=${shellQuote(value)}\n`);
  return `modprobe -a ip_vs ip_vs_rr ip_vs_wrr ip_vs_lc ip_vs_wlc ip_vs_sh ipv6
ip link set lo up
echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
echo 1 >/proc/sys/net/core/devconf_inherit_init_net
ulimit -n 65536
stty -F /dev/ttyS0 raw -echo
cd ${shellQuote(workingDir)}
(
${exports.join('')}exec ${command.map(shellQuote).join(' ')}
) </dev/null >/dev/ttyS0 2>&1
echo $? >${status}.new
mv ${status}.new ${status}
sync
echo o >/proc/sysrq-trigger
exec sleep infinity
`;
}

/** Quotes one word for sh, whatever it holds. */
export function shellQuote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
