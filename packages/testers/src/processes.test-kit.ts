import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A shell script that can be executed; it goes away with the test. @returns Its path. */
export function script(body: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'surealived-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, 'check');
  writeFileSync(path, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  return path;
}

/** Processes of a group that still run, and children of ours that nobody has waited for. */
export function leftOf(group: number): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(statOf)
    .filter(({ state, parent, pgrp }) => pgrp === group && (state !== 'Z' || parent === process.pid))
    .map(({ pid }) => pid);
}

/** Waits until nothing is left of a group: a kill is carried out when its target runs next. */
export async function untilGone(group: number): Promise<void> {
  while (leftOf(group).length > 0) await new Promise(setImmediate);
}

interface ProcessStat {
  readonly pid: number;
  readonly state: string;
  readonly parent: number;
  readonly pgrp: number;
}

/** See proc(5), /proc/pid/stat; the name in brackets may hold anything. */
function statOf(pid: string): ProcessStat {
  const [state = '', parent, pgrp] = readStat(pid)
    .replace(/^.*\) /s, '')
    .split(' ');
  return { pid: Number(pid), state, parent: Number(parent), pgrp: Number(pgrp) };
}

function readStat(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return ''; // it has ended since
  }
}
