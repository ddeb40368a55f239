/**
 * A small writer of DNS messages, apart from the codec that it tests.
 *
 * @module
 */

/** Numbers of bits and fields that a message may differ in from a plain answer. */
export interface MessageOptions {
  readonly id?: number;
  /** QR, opcode, TC, rcode and the like, as one number. */
  readonly flags?: number;
  readonly question?: Buffer | undefined;
  readonly answers?: readonly Buffer[];
  /** What the header says instead of the truth. */
  readonly questionCount?: number;
  readonly answerCount?: number;
}

export const RESPONSE = 0x8400;
export const TRUNCATED = 0x0200;

export function message(options: MessageOptions = {}): Buffer {
  const { id = 1, flags = RESPONSE, question, answers = [] } = options;
  const { questionCount = question ? 1 : 0, answerCount = answers.length } = options;
  const header = Buffer.concat([u16(id), u16(flags), u16(questionCount), u16(answerCount), u16(0), u16(0)]);
  return Buffer.concat([header, ...(question ? [question] : []), ...answers]);
}

/** The answer to a request as our testers send it: one question, nothing behind it. */
export function answerTo(
  request: Uint8Array,
  answers: readonly Buffer[],
  options: MessageOptions = {},
): Buffer {
  const bytes = Buffer.from(request);
  return message({ id: bytes.readUInt16BE(0), question: bytes.subarray(12), answers, ...options });
}

export function question(name: Buffer, type: number): Buffer {
  return Buffer.concat([name, u16(type), u16(1)]);
}

/** A record of class IN; its owner is the question's name, by a pointer, unless given. */
export function record(type: number, data: Buffer, owner: Buffer = pointer(12)): Buffer {
  return Buffer.concat([owner, u16(type), u16(1), u32(3600), u16(data.length), data]);
}

/** Labels and an end: the root, or `end` (a pointer). */
export function name(labels: readonly (string | Buffer)[], end: Buffer = Buffer.alloc(1)): Buffer {
  return Buffer.concat([...labels.map((label) => string(label)), end]);
}

/** A length and as many bytes: a label, or one string of TXT. */
export function string(text: string | Buffer): Buffer {
  const bytes = Buffer.from(text as string);
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

export function pointer(offset: number): Buffer {
  return u16(0xc000 | offset);
}

export function u16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff]);
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
