import { escapeText } from '@surealived/shared/escape';
import type { Command } from './command.js';
import type { Reload } from './documents.js';

export const reload: Command = {
  name: 'reload',
  operands: '',
  summary: 'reads surealived.cfg and the services file anew and applies what changed',
  async run({ director, reload }) {
    const report = await reload();
    const { ok, problems, warnings, added, removed, changed, tookMs } = report;
    const { virtuals } = director;
    const reals = virtuals.reduce((sum, virtual) => sum + virtual.reals.length, 0);
    const counts = `virtuals=${virtuals.length} reals=${reals} added=${added} removed=${removed} changed=${changed}`;
    const head = ok
      ? `Reload: ok ${counts} tookms=${Math.round(tookMs)}`
      : `Reload: failed, ${problems.length} problems; the running configuration stays`;
    return {
      lines: () => [
        head,
        ...problems.map(escapeText),
        ...warnings.map((warning) => `warning: ${escapeText(warning)}`),
      ],
      document: (): Reload => ({ reload: report }),
    };
  },
};
