/** Where `ip netns add` puts a name. */
const NAMES_DIR = '/run/netns';

/** @param netns A name in /run/netns, or a path, which has a slash. */
export function namespacePath(netns: string): string {
  return netns.includes('/') ? netns : `${NAMES_DIR}/${netns}`;
}
