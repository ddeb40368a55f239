import { describe, it } from 'vitest';
import { conformanceChecks } from '../kit/conformance.js';
import tcp from './tcp.js';

describe('tcp', () => {
  const sample = { attributes: {}, answer: '', decisiveBytes: 0 };
  for (const { title, run } of conformanceChecks(tcp, sample)) it(title, run);
});
