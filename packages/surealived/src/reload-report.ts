/** What came of a reload. */
export interface ReloadReport {
  /** False when the running configuration stays. */
  readonly ok: boolean;
  /** What is wrong, one line each: `file:line:column: message`. Empty when it is ok. */
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
  /** Reals, in all virtuals. */
  readonly added: number;
  readonly removed: number;
  /** Reals whose settings, or those of their virtual, are others than before. */
  readonly changed: number;
  /** From the request to the end, in milliseconds. */
  readonly tookMs: number;
}
