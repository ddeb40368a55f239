/** An XML element to be printed; a text has no elements beside it. */
export interface Markup {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly content: readonly Markup[] | string;
}

export function tag(
  name: string,
  attributes: Readonly<Record<string, string>>,
  content: readonly Markup[] | string = [],
): Markup {
  return { name, attributes, content };
}

/** Each element on a line of its own, its content indented. */
export function printMarkup({ name, attributes, content }: Markup, indent = ''): string {
  const list = Object.entries(attributes).map(([key, value]) => ` ${key}="${escapeXml(value)}"`);
  const head = `${indent}<${name}${list.join('')}`;
  if (content.length === 0) return `${head}/>\n`;
  if (typeof content === 'string') return `${head}>${escapeXml(content)}</${name}>\n`;
  const inner = content.map((child) => printMarkup(child, `${indent}  `)).join('');
  return `${head}>\n${inner}${indent}</${name}>\n`;
}

function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
