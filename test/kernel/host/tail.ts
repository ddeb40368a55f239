import type { Readable } from 'node:stream';

/** Keeps the end of one or more streams: a guest that prints in a loop must not fill the host's memory. */
export class Tail {
  readonly #maxChars: number;
  #text = '';

  constructor(streams: readonly Readable[], maxChars: number) {
    this.#maxChars = maxChars;
    for (const stream of streams) {
      stream.setEncoding('utf8');
      stream.on('data', (chunk: string) => {
        this.#text = (this.#text + chunk).slice(-this.#maxChars);
      });
    }
  }

  /** What is kept, without the carriage returns of a console. */
  text(): string {
    return this.#text.replaceAll('\r', '').trimEnd();
  }
}

/** The last `count` lines of a text. */
export function lastLines(text: string, count: number): string {
  return text.split('\n').slice(-count).join('\n');
}
