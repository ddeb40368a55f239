import { writeFileSync } from 'node:fs';
import { FakeHost } from '../../shared/src/host.test-kit.js';
import { diff, HandoverFiles, real, WEB } from './handover/handover.test-kit.js';
import { main } from './main.js';

/** A process to run `main` in: hand-over files, a configuration, a memory table in a file, and what was printed. */
export class Process extends FakeHost {
  readonly files = new HandoverFiles();
  readonly config = this.files.diffPath('../sd.cfg');
  readonly table = this.files.diffPath('../table');
  readonly socket = this.files.diffPath('../status');
  constructor() {
    super();
    const lines = Object.entries(this.files.paths).map(([key, value]) => `${key} ${value}\n`);
    lines.push('log_format text\n', `ipvssync_status_socket ${this.socket}\n`);
    writeFileSync(this.config, lines.join(''));
    this.files.writeFull('a', WEB, real('10.0.0.11:80', 1));
    this.files.appendDiff('a', diff('addreal', '10.0.0.12:80', 2));
  }

  run(...argv: string[]): Promise<number> {
    this.out = '';
    this.err = '';
    return main(['-c', this.config, '--table', `memory:${this.table}`, ...argv], this);
  }
}
