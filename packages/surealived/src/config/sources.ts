import { existsSync } from 'node:fs';
import { asWarning, ConfigError, InvalidTextError, type Problem } from '@surealived/shared/errors';
import { CONFIG_KEYS, loadConfig, type SurealivedConfig } from '@surealived/shared/surealived-cfg';
import type { TesterRegistry } from '@surealived/testers/registry';
import { loadServices, type Services } from './load.js';
import { loadRegistry } from './registry.js';

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
  const loaded = loadConfig(configFile);
  const { config } = loaded;
  const warnings = [...loaded.warnings, ...missingModules(config, configFile)];
  if (strict && warnings.length > 0) throw new ConfigError(warnings);
  try {
    const registry = await loadRegistry(config);
    const services = loadServices(servicesFile, { registry, strict });
    return { config, services, registry, warnings: [...warnings, ...services.warnings] };
  } catch (error) {
    // they may be the cause
    if (!(error instanceof InvalidTextError) || warnings.length === 0) throw error;
    throw new ConfigError([...warnings.map(asWarning), ...error.problems]);
  }
}

/** The directory for modules need not be there, but one that was asked for is missed. */
function missingModules({ modules_path: path }: SurealivedConfig, file: string): readonly Problem[] {
  if (path === CONFIG_KEYS.modules_path.default || existsSync(path)) return [];
  return [{ file, line: 0, message: `modules_path: there is no ${path}` }];
}
