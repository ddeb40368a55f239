import { messageOf } from '@surealived/shared/errors';
import type { SurealivedConfig } from '@surealived/shared/surealived-cfg';
import { loadTesters } from '@surealived/testers/module-loader';
import type { TesterRegistry } from '@surealived/testers/registry';
import type { Tester } from '@surealived/testers/tester';

/**
 * The testers that a configuration asks for. A module that has not changed gives the same testers as before.
 *
 * @throws ModuleError with everything that is wrong with the modules.
 */
export function loadRegistry({
  modules_path,
  modules,
}: Pick<SurealivedConfig, 'modules_path' | 'modules'>): Promise<TesterRegistry> {
  return loadTesters({ directory: modules_path, wanted: modules, findFault: findAttributeFault });
}

/**
 * What is wrong with the attributes of a tester from elsewhere, as far as services files are concerned. What it needs for that
 * is loaded only where there is one.
 */
async function findAttributeFault({ attributes }: Tester): Promise<string | undefined> {
  const { RealAttributes, TesterAttributes } = await import('./schema.js');
  const { AttributeReader } = await import('./attributes.js');
  const taken = { ...RealAttributes.properties, ...TesterAttributes.properties };
  const name = Object.keys(attributes.properties).find((own) => Object.hasOwn(taken, own));
  if (name !== undefined) return `attribute ${name}: every <tester> or <real> has one of this name`;
  try {
    new AttributeReader(attributes);
    return undefined;
  } catch (error) {
    return `attributes: ${messageOf(error)}`;
  }
}
