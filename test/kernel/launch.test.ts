import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { GUEST_RESULTS_DIR, type GuestReport, launchGuest } from './launch.js';
import { missingPackages } from './requirements.js';

const BOOT_LIMIT_MS = 60_000;

/** Without the packages it is skipped in silence: `kernel.test.ts` prints what is missing. */
describe.skipIf(missingPackages().length > 0)('the guest launcher', () => {
  it(
    'hands over environment, output, results and status of the command',
    async () => {
      const script = `echo "$GREETING, $(id -u)"; echo 42 >${GUEST_RESULTS_DIR}/answer; exit 3`;
      const report = await launchScript(script, BOOT_LIMIT_MS, { GREETING: "it's me" });
      expect(report).toMatchObject({ exitStatus: 3, output: "it's me, 0" });
      expect(report.results.get('answer')).toBe('42\n');
    },
    BOOT_LIMIT_MS,
  );

  it(
    'reports a panic with the kernel log and keeps the results written before',
    async () => {
      const script = `echo 42 >${GUEST_RESULTS_DIR}/answer; sync; echo c >/proc/sysrq-trigger`;
      const report = await launchScript(script, BOOT_LIMIT_MS);
      expect(report.failure).toMatch(/^the guest kernel panicked\n.*\nKernel panic - not syncing: sysrq/);
      expect(report.results.get('answer')).toBe('42\n');
    },
    BOOT_LIMIT_MS,
  );

  it(
    'ends a guest that hangs, and leaves no folder behind',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'launch-test-'));
      vi.stubEnv('TMPDIR', folder); // other guests may run at the same time
      const report = await launchScript('exec sleep infinity', 2000);
      vi.unstubAllEnvs();
      expect(report.failure).toMatch(/^the guest did not finish within 2000 ms and was killed\n/);
      rmdirSync(folder); // refuses a folder with anything in it
    },
    BOOT_LIMIT_MS,
  );
});

function launchScript(
  script: string,
  timeoutMs: number,
  env: Record<string, string> = {},
): Promise<GuestReport> {
  return launchGuest({ command: ['/bin/sh', '-c', script], env, workingDir: '/', timeoutMs, memoryMb: 256 });
}
