import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Namespace } from '../lab/namespace.js';
import type { Scenario } from './scenario.js';

const PROGRAM = fileURLToPath(new URL('../lab/compare-tables.js', import.meta.url));
const RUNS = 1500;
const TIMEOUT_MS = 120_000;
const MODPROBE_HOOK = '/proc/sys/kernel/modprobe';

export const sameRules: Scenario = {
  name: 'same-rules',
  title:
    'the table in memory takes, refuses and holds what the kernel does, for any sequence of operations, those on timeouts and sync daemons among them',
  timeoutMs: TIMEOUT_MS + 30_000,
  async run(lab) {
    const [director] = (await lab.createNamespaces(['director'])) as [Namespace];
    await director.ip(['link set lo up']);
    for (const module of ['rr', 'wrr', 'lc', 'sh', 'mh', 'pe_sip'])
      await director.run(['modprobe', `ip_vs_${module}`]);
    const hook = readFileSync(MODPROBE_HOOK, 'utf8');
    writeFileSync(MODPROBE_HOOK, '\n'); // it would look for the scheduler "nosuch" hundreds of times
    try {
      const seed = Date.now() % 0x7fffffff;
      const argv = [process.execPath, PROGRAM, String(seed), String(RUNS)];
      lab.note(`seed ${seed}: ${(await director.run(argv, { timeoutMs: TIMEOUT_MS })).trim()}`);
    } finally {
      writeFileSync(MODPROBE_HOOK, hook);
    }
  },
};
