import type { ChildProcess } from 'node:child_process';

const children = new Set<ChildProcess>();

/** Ends a child when this process ends in whatever way it can still act on, so that no server stays behind. */
export function endWithUs(child: ChildProcess): void {
  if (children.size === 0) process.on('exit', endChildren);
  children.add(child);
  child.once('exit', () => {
    children.delete(child);
    if (children.size === 0) process.off('exit', endChildren);
  });
}

function endChildren(): void {
  for (const child of children) child.kill('SIGTERM');
}
