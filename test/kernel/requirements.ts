import { accessSync, constants, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Programs live in sbin for root only on some systems, so PATH alone would miss installed ones. */
export const PROGRAM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Where Debian's user-mode-linux keeps the guest kernel's modules, one folder per kernel release. */
export const MODULES_DIR = '/usr/lib/uml/modules';

interface Requirement {
  readonly debianPackage: string;
  readonly isPresent: () => boolean;
}

const REQUIREMENTS: readonly Requirement[] = [
  { debianPackage: 'user-mode-linux', isPresent: () => hasProgram('linux.uml') && hasModules() },
  { debianPackage: 'kmod', isPresent: () => hasProgram('modprobe') && hasProgram('insmod') },
  { debianPackage: 'iproute2', isPresent: () => hasProgram('ip') },
  { debianPackage: 'ipvsadm', isPresent: () => hasProgram('ipvsadm') },
  { debianPackage: 'nginx-light', isPresent: () => hasProgram('nginx') },
  { debianPackage: 'nftables', isPresent: () => hasProgram('nft') },
  { debianPackage: 'curl', isPresent: () => hasProgram('curl') },
  { debianPackage: 'netcat-openbsd', isPresent: () => hasProgram('nc') },
];

/** Programs that the benchmark puts beside ours where they are installed; no test needs them. */
const PEERS = ['keepalived', 'ldirectord'] as const;

export type Peer = (typeof PEERS)[number];

/** Debian packages of peers that this machine lacks; the programs have the same names. */
export function missingPeers(): readonly Peer[] {
  return PEERS.filter((name) => !hasProgram(name));
}

/** Debian packages that the kernel tests need and this machine lacks, in the order of `install-debian.sh`. */
export function missingPackages(): string[] {
  return REQUIREMENTS.filter(({ isPresent }) => !isPresent()).map(({ debianPackage }) => debianPackage);
}

function hasProgram(name: string): boolean {
  return PROGRAM_PATH.split(':').some((directory) => isExecutable(join(directory, name)));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // absent and forbidden mean the same here: the tests cannot use it
  }
}

function hasModules(): boolean {
  try {
    return readdirSync(MODULES_DIR).length > 0;
  } catch {
    return false; // no such folder: the package is not installed
  }
}
