import { SureAliveError } from '@surealived/shared/errors';

/** Whether an error comes from the world around us; anything else is a bug and ends the process. */
export function isExpected(error: unknown): boolean {
  return error instanceof SureAliveError || (error instanceof Error && 'syscall' in error);
}
