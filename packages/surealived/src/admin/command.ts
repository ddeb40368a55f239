import type { Fields } from '@surealived/shared/snapshot/fields';
import type { CommandContext } from './context.js';

/** What a command answers, for people and for programs; only the form that is asked for is made. */
export interface Answer {
  /** May be a generator, where there can be thousands: they are then made as the client reads them. */
  lines(): Iterable<string>;
  /** The JSON document, less its version. Its lists may be generators, likewise. */
  document(): object;
}

/** What follows a command's name. */
export interface Request {
  readonly fields: Fields;
  /** Whether the answer shall be a JSON document. */
  readonly isJson: boolean;
}

export interface Command {
  readonly name: string;
  /** What may follow the name, for `help`. */
  readonly operands: string;
  /** One line, for `help`. */
  readonly summary: string;
  /** @throws CommandError, or rejects with it, when the request cannot be met. */
  run(context: CommandContext, request: Request): Answer | Promise<Answer>;
}

/** A request that cannot be met; the message is the answer. */
export class CommandError extends Error {}
