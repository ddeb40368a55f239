/**
 * Foreign bytes and texts as parts of one line, so that a server's answer can neither end a line nor steer a terminal.
 *
 * @module
 */
const NAMED: Readonly<Record<string, string>> = { '\r': '\\r', '\n': '\\n', '\t': '\\t', '\\': '\\\\' };

/** Printable ASCII as it is, anything else as \r, \n, \t, \\ or \xNN. */
export function escapeBytes(data: Uint8Array): string {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    .toString('latin1')
    .replace(/[^ -[\]-~]/g, (char) => NAMED[char] ?? hex(char));
}

/** A text without control characters: they become \n, \xNN and so on. Everything else stays. */
export function escapeText(text: string): string {
  return text.replace(/\p{Cc}/gu, (char) => NAMED[char] ?? hex(char));
}

function hex(char: string): string {
  return `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
