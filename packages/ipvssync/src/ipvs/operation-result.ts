/** What became of one write to the table or to the settings beside it. */
export type OperationResult = { readonly ok: true } | Refused;

export interface Refused {
  readonly ok: false;
  /** A name, like `ENOENT`; ENOBUFS means that the outcome is unknown. */
  readonly errno: string;
  /** What was tried against it in vain. */
  readonly detail?: string | undefined;
}
