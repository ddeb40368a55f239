/**
 * `check`: tests a real now, and shows the conversation.
 *
 * @module
 */

import { escapeText } from '@surealived/shared/escape';
import type { Outcome } from '../engine/outcome.js';
import type { Command } from './command.js';
import { describeOutput, describeRealId, describeVirtual } from './describe.js';
import { type Check, realDocument, type TranscriptEntry, virtualDocument } from './documents.js';
import { findReal, findVirtual, REAL_OPERANDS, VIRTUAL_OPERANDS } from './find.js';
import { Transcript, toThousandths } from './transcript.js';

export const check: Command = {
  name: 'check',
  operands: `${VIRTUAL_OPERANDS} ${REAL_OPERANDS}`,
  summary: 'tests a real now, beside its own rhythm, and shows the conversation',
  async run({ director, clock, check }, { fields }) {
    const virtual = findVirtual(director, fields);
    const real = findReal(virtual, fields);
    const transcript = new Transcript(() => clock.nowMs());
    const outcome = await check(virtual, real, transcript);
    return {
      lines: () => [
        describeVirtual(virtual),
        `${describeRealId(real)} testport=${real.config.testPort} tester=${virtual.config.testing.tester.name}`,
        ...transcript.entries.map(describeEntry),
        ...describeOmitted(transcript.omitted),
        describeVerdict(outcome),
        describeTimes(outcome),
        ...describeOutput(outcome.output),
      ],
      document: (): Check => ({
        virtual: virtualDocument(virtual),
        real: realDocument(real),
        transcript: transcript.entries,
        omitted: transcript.omitted,
        ...outcomeDocument(outcome),
      }),
    };
  },
};

function describeEntry({ atMs, direction, bytes, data, isCut }: TranscriptEntry, index: number): string {
  return `t:${index} at=${atMs.toFixed(3)}ms ${direction}=${bytes} data=${data}${isCut ? ' (cut)' : ''}`;
}

function describeOmitted({ entries, bytes }: { entries: number; bytes: number }): readonly string[] {
  return entries === 0 ? [] : [`omitted=${entries} bytes=${bytes}`];
}

function describeVerdict({ verdict, obstacle }: Outcome): string {
  if (!verdict) return `verdict=NONE obstacle=${escapeText(obstacle ?? '')}`;
  const detail = `detail=${escapeText(verdict.detail)}`;
  return verdict.up ? `verdict=UP ${detail}` : `verdict=DOWN reason=${verdict.reason} ${detail}`;
}

function describeTimes({ connectMs, responseMs, totalMs, sentBytes, receivedBytes }: Outcome): string {
  const [connect, response, total] = [connectMs, responseMs, totalMs].map((ms) => `${ms.toFixed(3)}ms`);
  return `conntime=${connect} resptime=${response} totaltime=${total} sent=${sentBytes} received=${receivedBytes}`;
}

function outcomeDocument({ verdict, obstacle, output, ...outcome }: Outcome) {
  return {
    verdict: verdict
      ? { up: verdict.up, reason: verdict.up ? null : verdict.reason, detail: verdict.detail }
      : null,
    obstacle: obstacle ?? null,
    output: output ?? null,
    connectMs: toThousandths(outcome.connectMs),
    responseMs: toThousandths(outcome.responseMs),
    totalMs: toThousandths(outcome.totalMs),
    sentBytes: outcome.sentBytes,
    receivedBytes: outcome.receivedBytes,
  };
}
