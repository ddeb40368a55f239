import { EventEmitter, once } from 'node:events';
import type { Host, Signal } from './process-host.js';

/** Stands for a process: keeps what is written, gives signals when told to `emit` them. */
export class FakeHost extends EventEmitter implements Host {
  out = '';
  err = '';
  readonly stdout = {
    write: (text: string): void => {
      this.out += text;
    },
  };
  readonly stderr = {
    write: (text: string): void => {
      this.err += text;
      this.emit('printed');
    },
  };

  onSignal(signal: Signal, handler: () => void): void {
    this.on(signal, handler);
  }

  /** The lines of a JSON log on stderr. */
  get logged(): readonly Record<string, unknown>[] {
    return this.err
      .trim()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
  }

  async waitForLog(message: string): Promise<Record<string, unknown>> {
    for (;;) {
      const entry = this.logged.find(({ msg }) => msg === message);
      if (entry) return entry;
      await once(this, 'printed');
    }
  }

  /** Waits until `text` is on stderr. */
  async untilPrinted(text: string): Promise<void> {
    while (!this.err.includes(text)) await once(this, 'printed');
  }
}
