/**
 * Runs one command as root inside a throw-away User-Mode Linux kernel that has IPVS.
 *
 * The guest's root is the host's own file system, read-only under an overlay in memory, so Node, nginx, ipvsadm and
 * the checkout are where they are outside, and nothing the command writes reaches the host but its results folder.
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import {
  type BootPlan,
  COMMAND_SCRIPT,
  commandScript,
  GUEST_EXCHANGE_DIR,
  initScript,
  RESULTS_FOLDER,
  STATUS_FILE,
} from './host/boot-scripts.js';
import { chooseMemoryDir } from './host/memory-dir.js';
import { anyProcessor } from './host/processors.js';
import { lastLines, Tail } from './host/tail.js';
import { PROGRAM_PATH } from './requirements.js';

/** Folder that the command inside the guest writes its results to. */
export const GUEST_RESULTS_DIR = `${GUEST_EXCHANGE_DIR}/${RESULTS_FOLDER}`;

const KEPT_CHARS = 64 * 1024;

export interface GuestOrder {
  readonly command: readonly string[];
  /** The guest sees these variables, PATH, HOME, TERM and LC_ALL, and nothing else of the caller's environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly workingDir: string;
  /** Folder that is the guest's root, read-only; by default this machine's own. */
  readonly root?: string;
  /** Whether systemd is the first program there, which runs the command after all that it starts at boot. */
  readonly hasSystemd?: boolean;
  /** For boot, command and shutdown together. */
  readonly timeoutMs: number;
  readonly memoryMb?: number;
  /** Whether the guest may run on all processors: slower, but the clock of a busy guest is not late. */
  readonly isSpread?: boolean;
}

export interface GuestReport {
  /** Exit status of the command; absent when it did not end by itself. */
  readonly exitStatus?: number;
  /** Why the command did not end by itself, with the end of the kernel's log; absent when it did. */
  readonly failure?: string;
  /** Files of the results folder by name, also those written before a failure. */
  readonly results: ReadonlyMap<string, string>;
  /** End of what the command printed. */
  readonly output: string;
  readonly durationMs: number;
}

/** Boots, runs, switches off. Rejects only if the guest cannot even be started; all else is in the report. */
export async function launchGuest(order: GuestOrder): Promise<GuestReport> {
  const workDir = mkdtempSync(join(tmpdir(), 'surealived-guest-'));
  try {
    const exchangeDir = writeBootFiles(workDir, order);
    const run = await runKernel(workDir, order);
    const { output, durationMs } = run;
    return { ...readVerdict(exchangeDir, run, order), results: readResults(exchangeDir), output, durationMs };
  } finally {
    rmSync(workDir, { recursive: true, force: true });
  }
}

function writeBootFiles(workDir: string, order: GuestOrder): string {
  const { command, env = {}, workingDir, root = '/', hasSystemd = false } = order;
  const exchangeDir = join(workDir, 'exchange');
  mkdirSync(join(exchangeDir, RESULTS_FOLDER), { recursive: true });
  const plan: BootPlan = { command, env, workingDir, exchangeDir, root, hasSystemd };
  writeFileSync(join(workDir, 'init'), initScript(plan), { mode: 0o755 });
  writeFileSync(join(exchangeDir, COMMAND_SCRIPT), commandScript(plan));
  return exchangeDir;
}

interface KernelRun {
  readonly timedOut: boolean;
  readonly kernelLog: string;
  readonly output: string;
  readonly durationMs: number;
}

async function runKernel(workDir: string, order: GuestOrder): Promise<KernelRun> {
  const { timeoutMs } = order;
  const startedMs = performance.now();
  const kernel = startKernel(workDir, order);
  const streams = kernel.stdio.slice(1, 4) as Readable[];
  const log = new Tail(streams.slice(0, 2), KEPT_CHARS);
  const output = new Tail(streams.slice(2), KEPT_CHARS);
  let timedOut = false;
  const limit = setTimeout(() => {
    timedOut = true;
    killGroup(kernel);
  }, timeoutMs);
  try {
    await once(kernel, 'exit');
  } finally {
    clearTimeout(limit);
    killGroup(kernel); // the watcher, and the processes of a guest that panicked, outlive the main one
  }
  await drained(streams);
  kernel.stdio[4]?.destroy();
  const durationMs = performance.now() - startedMs;
  return { timedOut, kernelLog: log.text(), output: output.text(), durationMs };
}

/**
 * Becomes the kernel, as leader of a process group that one signal reaches as a whole.
 *
 * A watcher in the group waits for the end of descriptor 4, which comes if we die without having ended the guest: it
 * would run on for ever, since nobody else knows of it. (Not standard input: Node closes that at the kernel's exit,
 * before we can kill the watcher.) The watcher holds none of the guest's output open.
 *
 * A guest that keeps to one of the machine's processors is three times faster: a system call there takes a turn of two
 * processes of the host, and costs more where these are woken on different ones.
 */
const START_SCRIPT = `
{ read -r _; rm -rf "$WORK_DIR"; kill -KILL 0; } <&4 >/dev/null 2>&1 3>&- &
exec \${PROCESSOR:+taskset -c "$PROCESSOR"} linux.uml "$@" 4<&-`;

function startKernel(workDir: string, { memoryMb = 1024, isSpread = false }: GuestOrder): ChildProcess {
  const processor = isSpread ? '' : String(anyProcessor());
  const kernelArgs = [
    `mem=${memoryMb}M`,
    'root=/dev/root',
    'rootfstype=hostfs',
    'rootflags=/',
    'ro',
    'quiet',
    `init=${join(workDir, 'init')}`,
    `uml_dir=${workDir}/`,
    'umid=guest',
    'con=null',
    'con0=null,fd:1',
    'ssl=null',
    'ssl0=null,fd:3',
  ];
  return spawn('/bin/sh', ['-c', START_SCRIPT, 'sh', ...kernelArgs], {
    cwd: workDir, // where a core file of a panic lands, to be removed with the folder
    detached: true,
    env: {
      PATH: PROGRAM_PATH,
      TMPDIR: chooseMemoryDir(memoryMb),
      WORK_DIR: workDir,
      PROCESSOR: processor,
    },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
  });
}

/** Waits for the end of each stream, as the exit of a process may overtake the last of its output. */
async function drained(streams: readonly Readable[]): Promise<void> {
  for (const stream of streams) {
    if (!stream.closed) await once(stream, 'close');
  }
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // already gone is what we want
  }
}

function readVerdict(
  exchangeDir: string,
  run: KernelRun,
  { timeoutMs }: GuestOrder,
): { exitStatus: number } | { failure: string } {
  if (readdirSync(exchangeDir).includes(STATUS_FILE)) {
    return { exitStatus: Number(readFileSync(join(exchangeDir, STATUS_FILE), 'utf8')) };
  }
  const panic = run.kernelLog.indexOf('Kernel panic');
  const kernelLog = panic >= 0 ? run.kernelLog.slice(panic) : lastLines(run.kernelLog, 20);
  const reason = run.timedOut
    ? `the guest did not finish within ${timeoutMs} ms and was killed`
    : panic >= 0
      ? 'the guest kernel panicked'
      : 'the guest kernel ended before its command did';
  const output = lastLines(run.output, 20);
  return { failure: `${reason}\n--- kernel log\n${kernelLog}\n--- output of the command\n${output}` };
}

function readResults(exchangeDir: string): Map<string, string> {
  const directory = join(exchangeDir, RESULTS_FOLDER);
  return new Map(readdirSync(directory).map((name) => [name, readFileSync(join(directory, name), 'utf8')]));
}
