/** The JSON lines between `Load` and the agent that makes its connections from inside a namespace. */

/** Where connections go; `name` is how a report calls it. */
export interface LoadTarget {
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

/** Why and when a connection was over before it was asked to be, by the clock of `monotonicMs`. */
export interface Break {
  readonly atMs: number;
  readonly reason: string;
}

/** A connection that is kept, and asks the real at its other end for one line after the other. */
export interface LongConnection {
  readonly id: number;
  readonly target: string;
  /** Who answers. */
  readonly real: string;
  /** Lines that came back right. */
  readonly exchanges: number;
  readonly broken?: Break;
}

/** Connections of one exchange, by target and by real. */
export type ShortCounts = Readonly<Record<string, Readonly<Record<string, number>>>>;

export interface FailedConnection extends Break {
  readonly target: string;
}

export type LoadRequest =
  | { readonly do: 'open'; readonly target: LoadTarget; readonly count: number }
  | { readonly do: 'exchange'; readonly rounds: number }
  | { readonly do: 'close'; readonly ids: readonly number[] }
  | { readonly do: 'report' }
  | { readonly do: 'start-short'; readonly targets: readonly LoadTarget[]; readonly intervalMs: number }
  | { readonly do: 'count-short'; readonly connections: number }
  | { readonly do: 'stop-short' }
  | { readonly do: 'send-datagrams'; readonly target: LoadTarget; readonly count: number };

/** Milliseconds of a clock that all processes of a kernel share. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
