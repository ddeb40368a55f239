/**
 * What a page is made of, whoever wrote it and in whatever form it is printed.
 *
 * @module
 */

/** Plain text, or what is typed as it stands, or what stands for something else. */
export type Inline =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'variable'; readonly text: string };

export interface Definition {
  readonly term: readonly Inline[];
  readonly body: readonly Inline[];
}

export type Block =
  | { readonly kind: 'section'; readonly title: string }
  | { readonly kind: 'subsection'; readonly title: string }
  | { readonly kind: 'paragraph'; readonly content: readonly Inline[] }
  | { readonly kind: 'definitions'; readonly items: readonly Definition[] }
  | { readonly kind: 'bullets'; readonly items: readonly (readonly Inline[])[] }
  | { readonly kind: 'code'; readonly lines: readonly string[] };

export function text(content: string): Inline {
  return { kind: 'text', text: content };
}

export function literal(content: string): Inline {
  return { kind: 'literal', text: content };
}

export function variable(content: string): Inline {
  return { kind: 'variable', text: content };
}
