import { besideErrors, type Problem } from '@surealived/shared/errors';
import { type AttributeProblem, findUnknown } from './attributes.js';
import type { Position } from './position-index.js';
import type { Attribute, Element } from './xml.js';

/** Collects everything that is wrong with a file, so that an operator sees it in one go. */
export class ProblemList {
  readonly errors: Problem[];
  readonly warnings: Problem[] = [];
  readonly #file: string;

  /** @param found Errors that are known already. */
  constructor(file: string, found: readonly Problem[]) {
    this.#file = file;
    this.errors = [...found];
  }

  /** @param path The way to the element, such as `virtual "web" > tester`. */
  error(where: Position, path: string, message: string): void {
    this.errors.push(this.#problem(where, path, message));
  }

  warn(where: Position, path: string, message: string): void {
    this.warnings.push(this.#problem(where, path, message));
  }

  /** Something wrong with one attribute, at its place, or at the element's where it is missing. */
  attributeProblem(
    element: Element,
    path: string,
    { attribute, message, isWarning }: AttributeProblem,
  ): void {
    if (isWarning) this.warn(attribute ?? element, path, message);
    else this.error(attribute ?? element, path, message);
  }

  /** Warns of each attribute that is not among `known`. */
  warnUnknown(element: Element, path: string, known: readonly string[]): void {
    for (const { attribute, message } of findUnknown(element.attributes, known)) {
      this.warn(attribute ?? element, path, message);
    }
  }

  /** All of it in the order of the file, warnings marked as such unless they count as errors. */
  inOrder(areWarningsErrors: boolean): readonly Problem[] {
    return areWarningsErrors
      ? besideErrors([...this.errors, ...this.warnings], [])
      : besideErrors(this.errors, this.warnings);
  }

  #problem({ line, column }: Position, path: string, message: string): Problem {
    return { file: this.#file, line, column, message: `${path}: ${message}` };
  }
}

/** Where to point for an attribute: at itself, or at its element where it is missing. */
export function placeOf(element: Element, name: string): Attribute | Element {
  return element.attributes.get(name) ?? element;
}

/** How an element is called in a path: by its name, or by its number among its kind. */
export function nameOf(element: Element, index: number): string {
  const name = element.attributes.get('name')?.value;
  return name ? JSON.stringify(name.slice(0, 60)) : `#${index + 1}`;
}
