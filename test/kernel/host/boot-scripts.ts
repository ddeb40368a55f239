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

/** Inside the exchange folder: the second script. */
export const COMMAND_SCRIPT = 'command';

/** Inside the exchange folder: the command's exit status, present only if it ended by itself. */
export const STATUS_FILE = 'exit-status';

/** Where the first root goes, since no user namespace can be had in a chroot. */
const OLD_ROOT = '/srv';

export interface BootPlan {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string;
  /** Host folder that the guest may write to; everything else it writes stays in its memory. */
  readonly exchangeDir: string;
  /** Host folder that is the guest's root. */
  readonly root: string;
  /** Whether systemd is the guest's first program, and the command a service of its own. */
  readonly hasSystemd: boolean;
}

/**
 * First program of the guest: puts a writable overlay in memory over a read-only folder of the host and enters it.
 *
 * `/run` is a fresh tmpfs and not the overlay, so that network namespaces of the host do not show through.
 */
export function initScript({ exchangeDir, root, hasSystemd }: BootPlan): string {
  return `#!/bin/sh
set -e
export PATH=${PROGRAM_PATH}
mount -t proc proc /proc
modules=${MODULES_DIR}/$(uname -r)
mount -t tmpfs -o size=90% overlay /mnt
mkdir /mnt/upper /mnt/work /mnt/root
insmod "$modules"/kernel/fs/overlayfs/overlay.ko*
mount -t overlay -o lowerdir=${shellQuote(root)},upperdir=/mnt/upper,workdir=/mnt/work overlay /mnt/root
cd /mnt/root
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t devtmpfs devtmpfs dev
mkdir -p dev/pts dev/shm "lib/modules/$(uname -r)" .${GUEST_EXCHANGE_DIR}
mount -t devpts devpts dev/pts
mount -t tmpfs tmpfs dev/shm
mount -t tmpfs tmpfs run
mkdir run/lock
mount -t hostfs -o ${shellQuote(exchangeDir)} exchange .${GUEST_EXCHANGE_DIR}
mount -t hostfs -o "$modules" modules "lib/modules/$(uname -r)"
${hasSystemd ? `pivot_root . .${OLD_ROOT}\n` : ''}exec chroot . /usr/bin/env -i PATH=$PATH HOME=/root TERM=dumb LC_ALL=C.UTF-8 /bin/sh ${GUEST_EXCHANGE_DIR}/${COMMAND_SCRIPT}
`;
}

/** Second program. */
export function commandScript(plan: BootPlan): string {
  return plan.hasSystemd ? systemdScript(plan) : shellScript(plan);
}

/** Becomes systemd, which runs the command when all services have been started that it starts at boot. */
function systemdScript(plan: BootPlan): string {
  const order = `${GUEST_EXCHANGE_DIR}/order`;
  return `umount -l ${OLD_ROOT}
cat >${order} <<'END_OF_ORDER'
${runCommand(plan)}
END_OF_ORDER
cat >/etc/systemd/system/order.service <<END_OF_UNIT
[Unit]
After=multi-user.target
[Service]
Type=simple
ExecStart=/bin/sh ${order}
END_OF_UNIT
mkdir -p /etc/systemd/system/graphical.target.wants
ln -s ../order.service /etc/systemd/system/graphical.target.wants/
exec /lib/systemd/systemd --unit=graphical.target
`;
}

/**
 * Loads IPVS, runs the command with its output on the serial line, leaves its status, switches off.
 *
 * Duplicate address detection is off, in all namespaces to come, as it keeps a new IPv6 address unusable for a second
 * or more; networks made by one plan have no duplicates.
 *
 * The status appears by rename after a sync, so that the host never takes a half-written one for the truth.
 */
function shellScript(plan: BootPlan): string {
  return `modprobe -a ip_vs ip_vs_rr ip_vs_wrr ip_vs_lc ip_vs_wlc ip_vs_sh ipv6
ip link set lo up
echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
echo 1 >/proc/sys/net/core/devconf_inherit_init_net
ulimit -n 65536
${runCommand(plan)}`;
}

function runCommand({ command, env, workingDir }: BootPlan): string {
  const status = `${GUEST_EXCHANGE_DIR}/${STATUS_FILE}`;
  const exports = Object.entries(env).map(([name, value]) => `export ${name}=${shellQuote(value)}\n`);
  return `stty -F /dev/ttyS0 raw -echo
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
