/**
 * Building blocks for the attributes that testers and elements declare as JSON Schema.
 *
 * `expected` completes the sentence "expected …" of an error where the schema alone would say it badly.
 *
 * @module
 */
import type { TBoolean, TString } from 'typebox';
import Type from './type.js';

interface Options<T> {
  readonly description: string;
  readonly default?: T;
}

/** A switch: 1/0, true/false, on/off, in any case. */
export function Flag(options: Options<boolean>): TBoolean {
  return Type.Boolean({ ...options, expected: 'a switch (1/0, true/false, on/off)' });
}

/** Text that goes into a line of a protocol: no control characters, so that it cannot add lines of its own. */
export function LineText(options: Options<string> & { readonly maxLength: number }): TString {
  return Type.String({
    ...options,
    minLength: 1,
    pattern: '^[^\\u0000-\\u001f\\u007f]*$',
    expected: `text of 1 to ${options.maxLength} characters without control characters`,
  });
}
