import { readFileSync } from 'node:fs';

/** The processors that this process may run on, as Linux lists them: `0-1,4`. */
export function allowedProcessors(status = readFileSync('/proc/self/status', 'utf8')): readonly number[] {
  const [, list = ''] = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status) ?? [];
  return [...list.matchAll(/(\d+)(?:-(\d+))?/g)].flatMap(([, first, last = first]) =>
    Array.from({ length: Number(last) - Number(first) + 1 }, (_, i) => Number(first) + i),
  );
}

/** Any of them. */
export function anyProcessor(): number {
  const allowed = allowedProcessors();
  return allowed[Math.floor(Math.random() * allowed.length)] ?? 0;
}
