import { endianness } from 'node:os';
import { describe, expect, it } from 'vitest';
import { AttrWriter } from './attr.js';
import {
  familyRequest,
  type NetlinkMessage,
  NLM_F_ACK,
  NLMSG_DONE,
  NLMSG_ERROR,
  readErrno,
  readFamily,
  readMessages,
  writeRequest,
} from './genl.js';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');

/** Linux 6.1's answer to CTRL_CMD_GETFAMILY "IPVS" as seen by strace of ipvsadm 1.31, cut after the family's number. */
const FAMILY_ANSWER = hex(`
  2800 0000 1000 0000 0700 0000 f402 c097
  0102 0000
  0900 0200 4950 5653 0000 0000
  0600 0100 1c00 0000`);

describe.runIf(endianness() === 'LE')('writeRequest', () => {
  it('writes the bytes with which ipvsadm 1.31 asks for the family', () => {
    const writer = new AttrWriter();
    writeRequest(writer, familyRequest('IPVS'), NLM_F_ACK, 0x6b0043f5);
    expect(writer.written.toString('hex')).toBe(
      hex(`2000 0000 1000 0500 f543 006b 0000 0000
           0301 0000 0900 0200 4950 5653 0000 0000`).toString('hex'),
    );
  });

  it('appends one request after another, each with its own length and number', () => {
    const writer = new AttrWriter();
    for (const sequence of [1, 2]) writeRequest(writer, { family: 28, command: 4, version: 1 }, 0, sequence);
    expect(writer.written.toString('hex')).toBe(
      hex(`1400 0000 1c00 0100 0100 0000 0000 0000 0401 0000
           1400 0000 1c00 0100 0200 0000 0000 0000 0401 0000`).toString('hex'),
    );
  });
});

describe.runIf(endianness() === 'LE')('readMessages', () => {
  const ack = hex(
    '2400 0000 0200 0001 0700 0000 0000 0000  00000000  2000 0000 1000 0500 0700 0000 0000 0000',
  );

  it('reads what came in one datagram', () => {
    const messages = [...readMessages(Buffer.concat([FAMILY_ANSWER, ack]))];
    expect(messages.map(({ type, flags, sequence }) => ({ type, flags, sequence }))).toEqual([
      { type: 16, flags: 0, sequence: 7 },
      { type: NLMSG_ERROR, flags: 0x100, sequence: 7 },
    ]);
    expect(readFamily(messages[0] as NetlinkMessage)).toBe(28);
    expect(readErrno(messages[1] as NetlinkMessage)).toBe(0);
  });

  it('refuses every truncation', () => {
    for (let length = 1; length < ack.length; length++)
      expect(() => [...readMessages(ack.subarray(0, length))], `${length} bytes`).toThrow(
        /^netlink message of/,
      );
  });

  it('refuses a length below that of the header', () => {
    const endless = Buffer.from(ack);
    endless.writeUInt32LE(0, 0);
    expect(() => [...readMessages(endless)]).toThrow('netlink message of 0 bytes in 36');
  });
});

describe('readErrno', () => {
  const payload = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    if (endianness() === 'LE') bytes.writeInt32LE(value);
    else bytes.writeInt32BE(value);
    return bytes;
  };

  it('is positive for an error, and 0 for an acknowledgement', () => {
    expect(readErrno({ type: NLMSG_ERROR, payload: payload(-17) })).toBe(17);
    expect(readErrno({ type: NLMSG_ERROR, payload: payload(0) })).toBe(0);
  });

  it('is 0 for the end of a dump without a value', () => {
    expect(readErrno({ type: NLMSG_DONE, payload: Buffer.alloc(0) })).toBe(0);
    expect(readErrno({ type: NLMSG_DONE, payload: payload(-4) })).toBe(4);
  });

  it('refuses an error message without its value', () => {
    expect(() => readErrno({ type: NLMSG_ERROR, payload: Buffer.alloc(3) })).toThrow(/3 bytes/);
  });
});

describe('readFamily', () => {
  it('refuses an answer without a number', () => {
    const answer = { type: 16, flags: 0, sequence: 1, payload: Buffer.alloc(4) };
    expect(() => readFamily(answer)).toThrow('the answer names no generic netlink family');
  });
});
