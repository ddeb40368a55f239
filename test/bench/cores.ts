/**
 * Who runs where: where CPU time is measured, what is measured has the first core for itself, everything else the others.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import { findProgram } from '../servers/server-process.js';

const TESTED_CORE = 0;

/** Whether there is a second core to keep the servers on, and the program that keeps them there. */
const canPin = cpus().length > 1 && findProgram('taskset') !== undefined;

let isKeptOff = false;

/** A command as it runs on the core of what is measured, while that is kept for it. */
export function onTestedCore(command: readonly string[]): readonly string[] {
  return isKeptOff ? ['taskset', '-c', String(TESTED_CORE), ...command] : command;
}

/** Keeps this process, and every server that it starts from now on, off that core until the end of the scope. */
export function keepOffTestedCore(): Disposable {
  const [all, others] = [`0-${cpus().length - 1}`, `${TESTED_CORE + 1}-${cpus().length - 1}`];
  const keepOff = (isWanted: boolean): void => {
    if (!canPin) return;
    pinThisProcess(isWanted ? others : all);
    isKeptOff = isWanted;
  };
  keepOff(true);
  return { [Symbol.dispose]: () => keepOff(false) };
}

function pinThisProcess(cores: string): void {
  const { status, stderr } = spawnSync('taskset', ['-a', '-c', '-p', cores, String(process.pid)], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`taskset: ${stderr}`);
}
