import { createLogger } from '@surealived/shared/log';
import { describe, expect, it } from 'vitest';
import type { Operation } from '../ipvs/table.js';
import { service } from '../ipvs/table.test-kit.js';
import { DriftLog } from './drift-log.js';

describe('DriftLog', () => {
  it('counts all, and tells up to 20 of a round', () => {
    const lines: string[] = [];
    const sink = { write: (line: string) => lines.push(line.trim()) };
    const log = new DriftLog(createLogger('test', { level: 'debug', format: 'text', sink }));
    const change: Operation = { kind: 'deleteService', service: service('tcp 10.0.0.1:80') };
    log.note(Array(100).fill(change));
    expect(log.count).toBe(100);
    expect(lines).toHaveLength(21);
    expect(lines[19]).toContain('change="- tcp 10.0.0.1:80"');
    expect(lines[20]).toContain('drift goes on more=80');
  });
});
