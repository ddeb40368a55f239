/** Where the demo shows itself: repainted on a terminal, plain lines elsewhere. */
export class Screen {
  readonly #output: NodeJS.WriteStream;
  readonly #footer: readonly string[];
  readonly #messages: string[] = [];
  #table = '';

  /** @param footer Lines that stay below the table. */
  constructor(output: NodeJS.WriteStream, footer: readonly string[]) {
    this.#output = output;
    this.#footer = footer;
  }

  showTable(table: string): void {
    if (table === this.#table) return;
    this.#table = table;
    this.#show(table);
  }

  say(message: string): void {
    const line = `${new Date().toLocaleTimeString('en-GB')} ${message}`;
    this.#messages.push(line);
    this.#show(line);
  }

  #show(plain: string): void {
    if (this.#output.isTTY) this.#repaint();
    else this.#output.write(`${plain}\n`);
  }

  #repaint(): void {
    const lines = [this.#table, '', ...this.#footer, '', ...this.#messages.slice(-8)];
    this.#output.write(`\x1b[H\x1b[2J${lines.join('\n')}\n`);
  }
}
