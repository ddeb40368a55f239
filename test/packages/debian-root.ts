import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

export interface Ran {
  readonly status: number;
  /** Standard output and error. */
  readonly said: string;
}

/** What the package depends on, or recommends, or is tested with; Node comes from Debian 13, or from elsewhere. */
export const DEPENDENCIES = ['ipvsadm', 'systemd-sysv', 'kmod', 'logrotate', 'procps'];

const COMMAND_TIMEOUT_MS = 120_000;

/**
 * Enters a folder as the root of a system. The mounts are those of a namespace that ends with its first process, and with
 * it whatever has been started.
 */
const ENTER = `
root=$1
shift
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
exec chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"`;

/** A fresh Debian in a folder, for a package to be installed into. */
export class DebianRoot implements Disposable {
  readonly path: string;

  /**
   * @param suite Such as `trixie`.
   * @param packages To begin with, beside those without which there is no Debian.
   * @throws Error with all that debootstrap or apt said where it cannot be made.
   */
  constructor(suite: string, packages: readonly string[]) {
    this.path = mkdtempSync(join(tmpdir(), `${suite}-`));
    chmodSync(this.path, 0o755); // others than root are in there, too
    try {
      makeDebian(suite, this.path);
      // a program of this machine, and not of a boot: nothing is started by an installation
      writeFileSync(this.file('/usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n', { mode: 0o755 });
      this.run('apt-get', 'update');
      this.run('apt-get', 'install', '-y', '--no-install-recommends', ...packages);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** The path outside of a path inside. */
  file(path: string): string {
    return join(this.path, path);
  }

  read(path: string): string {
    return readFileSync(this.file(path), 'utf8');
  }

  /** Runs a program inside to its end, as root. */
  try(...command: readonly string[]): Ran {
    const args = [
      '--mount',
      '--pid',
      '--fork',
      '--kill-child',
      '/bin/sh',
      '-e',
      '-c',
      ENTER,
      'sh',
      this.path,
    ];
    const { status, error, stdout, stderr } = spawnSync('unshare', [...args, ...command], {
      encoding: 'utf8',
      maxBuffer: 1 << 26,
      input: '',
      timeout: COMMAND_TIMEOUT_MS, // nothing else can end it: this waits for it
    });
    if (error) throw error;
    return { status: status ?? -1, said: stdout + stderr };
  }

  /** @returns What it said. @throws Error with that where its status is not 0. */
  run(...command: readonly string[]): string {
    const { status, said } = this.try(...command);
    if (status !== 0) throw new Error(`${command.join(' ')}: status ${status}\n${said}`);
    return said;
  }

  /** Copies a file of this machine into /root. @returns Its path inside. */
  put(file: string): string {
    const path = `/root/${basename(file)}`;
    copyFileSync(file, this.file(path));
    return path;
  }

  /** Installs a .deb of this machine with what it depends on; it stays in /root. */
  install(deb: string, ...options: readonly string[]): string {
    return this.run('apt-get', 'install', '-y', '--no-install-recommends', ...options, this.put(deb));
  }

  /** Every path but those of apt, dpkg and the kernel, and what programs write for themselves there. */
  paths(): readonly string[] {
    return this.run('find', '/', '-xdev', '-path', '/proc', '-prune', '-o', '-print')
      .split('\n')
      .filter(
        (path) =>
          path !== '' &&
          !/^\/(tmp|dev|root|run|var\/(lib|cache)\/(apt|dpkg)|var\/log\/(apt|dpkg\.log))/.test(path),
      )
      .sort();
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

function makeDebian(suite: string, folder: string): void {
  const argv = ['--variant=minbase', suite, folder, mirror()];
  const { status, stdout, stderr } = spawnSync('debootstrap', argv, { encoding: 'utf8', maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(`debootstrap ${suite}:\n${stdout}${stderr}`);
}

/** Where this machine gets Debian from. */
function mirror(): string {
  const { stdout } = spawnSync('apt-get', ['indextargets', '--format', '$(REPO_URI)'], { encoding: 'utf8' });
  const found = stdout.split('\n').find((uri) => uri.includes('debian') && !uri.includes('security'));
  if (!found) throw new Error('apt knows no mirror of Debian');
  return found;
}
