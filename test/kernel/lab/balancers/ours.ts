import { Site } from '../site.js';
import { type Balancer, INTERVAL_SEC, type Pool, TIMEOUT_SEC, WEIGHT } from './balancer.js';

interface Features {
  /** Attributes of each tester. */
  readonly attributes?: string;
  /** Further lines of surealived.cfg. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** surealived and ipvssync. */
export const ours = balancer('ours');
export const oursWithSentinel = balancer('sentinel', { attributes: 'sentinel="1"' });
export const oursWithSharedProbes = balancer('shared', { settings: { share_probes: 'true' } });

function balancer(name: string, { attributes = '', settings = {} }: Features = {}): Balancer {
  return {
    name,
    start: (lab, director, pools) => Site.start(lab, director, servicesXml(pools, attributes), settings),
  };
}

function servicesXml(pools: readonly Pool[], attributes: string): string {
  const times = `loopdelay="${INTERVAL_SEC}" timeout="${TIMEOUT_SEC}" retries2fail="1"`;
  const virtuals = pools.map(({ address, port, reals }, i) => {
    const each = reals.map((real, r) => `<real name="r${r}" addr="${real}" port="80" weight="${WEIGHT}"/>`);
    return `<virtual name="v${i}" addr="${address}" port="${port}" proto="tcp" sched="wrr" rt="masq">
      <tester proto="http" testport="80" url="/" host="lab" ${times} ${attributes}/>
      ${each.join('\n')}
    </virtual>`;
  });
  return `<surealived>${virtuals.join('\n')}</surealived>`;
}
