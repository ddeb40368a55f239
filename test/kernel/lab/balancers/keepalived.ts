import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Balancer, INTERVAL_SEC, type Pool, TIMEOUT_SEC, WEIGHT } from './balancer.js';

/** Its first failed test counts, as ours does. */
export const keepalived: Balancer = {
  name: 'keepalived',
  async start(lab, director, pools) {
    const file = join(lab.scratchDir, 'keepalived.conf');
    writeFileSync(file, `${pools.map(virtualServer).join('\n')}\n`);
    const pidFiles = ['-p', `${file}.pid`, '-c', `${file}.checkers`];
    const started = await director.spawn([
      'keepalived',
      '--check',
      '--dont-fork',
      '--log-console',
      '-f',
      file,
      ...pidFiles,
    ]);
    return { stop: async () => void (await started.stop()) };
  },
};

function virtualServer({ address, port, reals }: Pool): string {
  return `virtual_server ${address} ${port} {
  delay_loop ${INTERVAL_SEC}
  lvs_sched wrr
  lvs_method NAT
  protocol TCP
  ${reals.map(realServer).join('\n  ')}
}`;
}

function realServer(address: string): string {
  return `real_server ${address} 80 {
    weight ${WEIGHT}
    inhibit_on_failure
    HTTP_GET {
      url {
        path /
        status_code 200
      }
      connect_timeout ${TIMEOUT_SEC}
      retry 0
      delay_before_retry 1
    }
  }`;
}
