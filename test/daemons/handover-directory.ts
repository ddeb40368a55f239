import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A directory of its own for all files of both daemons, with a surealived.cfg that points there. */
export class HandoverDirectory implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'surealived-'));
  readonly config = join(this.path, 'surealived.cfg');
  readonly snapshot = join(this.path, 'ipvsfull.cfg');
  readonly reloadFlag = join(this.path, 'ipvsfull.reload');
  readonly lock = join(this.path, 'ipvsfull.lock');
  readonly diffs = join(this.path, 'diffs');
  readonly statusSocket = join(this.path, 'ipvssync.sock');
  /** For `--table memory:…`, in a directory of its own so that it can be watched. */
  readonly tableFile = join(this.path, 'table', 'ipvs.rules');

  /** @param settings Further lines of surealived.cfg. */
  constructor(settings: Readonly<Record<string, string | number>> = {}) {
    mkdirSync(join(this.path, 'table'));
    const all = {
      log_format: 'json',
      use_log: 'true',
      log: join(this.path, 'surealived.log'),
      ipvssync_log: join(this.path, 'ipvssync.log'),
      ipvssync_logging: 'info',
      ipvssync_status_socket: this.statusSocket,
      startup_delay_ms: 200,
      lock_sync_file: this.lock,
      full_sync_file: this.snapshot,
      full_reload_file: this.reloadFlag,
      diff_sync_dir: this.diffs,
      offline_dump: join(this.path, 'offline.dump'),
      override_dump: join(this.path, 'override.dump'),
      notify_dump: join(this.path, 'notify.dump'),
      stats_dump: join(this.path, 'stats.dump'),
      stats_dir: join(this.path, 'stats'),
      debug_comm_path: join(this.path, 'comm'),
      ipvs_sync_role_file: join(this.path, 'sync.role'),
      listen_port: 0,
      ...settings,
    };
    const lines = Object.entries(all).map(([key, value]) => `${key} ${value}`);
    writeFileSync(this.config, `${lines.join('\n')}\n`);
  }

  /** Writes a services file into the directory. @returns Its path. */
  writeServices(xml: string): string {
    const file = join(this.path, 'services.xml');
    writeFileSync(file, xml);
    return file;
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
