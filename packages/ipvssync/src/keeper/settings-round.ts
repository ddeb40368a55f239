import {
  describeSettingsRefusal,
  planSettings,
  type SettingsChange,
  type SettingsStore,
  type WantedSettings,
  wantsAnything,
} from '../ipvs/settings.js';

/** What a round over the settings did. */
export interface SettingsRound {
  /** In order. */
  readonly done: readonly SettingsChange[];
  /** What is not as wanted, a sentence each. */
  readonly failures: readonly string[];
}

/**
 * What would change now.
 *
 * @param want Asked after the store was read: `--role` notes its role before it changes the kernel, so that whoever sees
 * the change knows the role too, and does not undo it.
 * @throws What `want` throws, or a SureAliveError where the store cannot be read.
 */
export async function lookAtSettings(
  store: SettingsStore,
  want: () => WantedSettings,
): Promise<SettingsChange[]> {
  if (!wantsAnything(want())) return [];
  const actual = await store.read();
  return planSettings(want(), actual);
}

/**
 * Makes the settings as they are wanted. Looks a second time after it changed something, or was refused because somebody
 * else was quicker.
 *
 * @throws As `lookAtSettings`.
 */
export async function repairSettings(
  store: SettingsStore,
  want: () => WantedSettings,
): Promise<SettingsRound> {
  const done: SettingsChange[] = [];
  const first = await attempt(store, await lookAtSettings(store, want), done);
  if (first.length === 0 && done.length === 0) return { done, failures: [] };
  return { done, failures: await attempt(store, await lookAtSettings(store, want), done) };
}

async function attempt(
  store: SettingsStore,
  changes: readonly SettingsChange[],
  done: SettingsChange[],
): Promise<string[]> {
  const refusals: string[] = [];
  for (const change of changes) {
    const result = await store.apply(change);
    if (result.ok) done.push(change);
    else refusals.push(describeSettingsRefusal(change, result.errno));
  }
  return refusals;
}
