import { completionFiles } from './completions.js';
import { printManual } from './pages.js';
import { printXmlSchema } from './xml-schema.js';

/** Everything that is written from the schemas and the prose: contents by path, relative to the repository. */
export function writtenFiles(): ReadonlyMap<string, string> {
  const pages = [...printManual()].map(([file, content]): [string, string] => [`man/${file}`, content]);
  return new Map([...pages, ...completionFiles(), ['docs/surealived.xsd', printXmlSchema()]]);
}
